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
