// SPDX-License-Identifier: Apache-2.0

/// A source of events other than requests: the interface between the hub and external publishers on the bus.
package protocol FanInSource: Sendable {
    /// Listens until the task is cancelled; reconnects when the connection is lost.
    /// - Parameter receive: Called for one message at a time. The source is paused until it returns.
    func run(_ receive: @Sendable (FanInMessage) async -> Void) async
}

/// A message of an external publisher, not parsed yet.
package struct FanInMessage: Sendable, Equatable {
    /// The channel it was published on: `rate.binance`.
    package var channel: String
    /// JSON: one event or an array of events, if the publisher follows the format.
    package var payload: [UInt8]

    package init(channel: String, payload: [UInt8]) {
        self.channel = channel
        self.payload = payload
    }
}
