// SPDX-License-Identifier: Apache-2.0

/// Where events come from without a request: the seam between the hub and outside publishers on the bus.
package protocol FanInSource: Sendable {
    /// Listens until the task is cancelled, and finds its way back by itself when the connection is lost.
    /// - Parameter receive: Called one message at a time; while it works, the source is held back.
    func run(_ receive: @Sendable (FanInMessage) async -> Void) async
}

/// One message of an outside publisher, not looked at yet.
package struct FanInMessage: Sendable, Equatable {
    /// Where it was published: `rate.binance`.
    package var channel: String
    /// One event or an array of events as JSON, if the publisher keeps to it.
    package var payload: [UInt8]

    package init(channel: String, payload: [UInt8]) {
        self.channel = channel
        self.payload = payload
    }
}

/// What a hub needs to take part in the fan-in.
package struct FanInPorts: Sendable {
    package var source: any FanInSource
    package var store: any FanInStore
    /// Called when a source has left numbers out, from any thread; must not block.
    package var onGap: FanIn.OnGap
    /// Sends a request to the publisher of a source, from any thread; must not block, and may lose it.
    package var ask: FanIn.Ask

    package init(
        source: any FanInSource,
        store: any FanInStore,
        onGap: @escaping FanIn.OnGap = { _ in },
        ask: @escaping FanIn.Ask = { _ in }
    ) {
        self.source = source
        self.store = store
        self.onGap = onGap
        self.ask = ask
    }
}
