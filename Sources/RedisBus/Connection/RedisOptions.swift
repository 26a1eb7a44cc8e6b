// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

/// How connections to Redis behave.
package struct RedisOptions: Sendable {
    /// What `CLIENT LIST` shows; without blanks.
    package var name = "broadtape"
    /// For TCP, TLS and the greeting together, subscribing included.
    package var connectTimeout = TimeAmount.seconds(5)
    /// How long nothing may be heard before a `PING` is sent.
    package var pingAfter = TimeAmount.seconds(1)
    /// How long nothing may be heard before the connection is taken for dead. Does not run while reading is paused.
    package var silence = TimeAmount.seconds(4)
    /// How long to stay away between connections.
    package var backoff = Backoff()
    /// What waits to be announced, in bytes; what comes past it is dropped.
    package var outgoingBytes = 8 << 20
    /// What was received and waits to be worked on, in bytes; past it nothing is read from the socket.
    package var inboxBytes = 8 << 20
    /// Largest message between nodes, in bytes; only a single event may exceed it.
    package var messageBytes = 256 << 10
    /// What the server may send.
    package var limits = RedisReader.Limits()

    package init() {}

    /// Full jitter under an exponential bound, so that the nodes do not return as one.
    package struct Backoff: Sendable, Equatable {
        /// Upper bound of the first delay.
        package var base = TimeAmount.milliseconds(100)
        /// Upper bound of every delay.
        package var cap = TimeAmount.seconds(5)
        /// How long a connection must have been open for the next failure to count as the first.
        package var stableAfter = TimeAmount.seconds(5)

        package init() {}

        /// The delay after a number of failures in a row.
        /// - Parameters:
        ///   - failures: 1 for the first.
        ///   - random: Drawn evenly from 0 to 1.
        package func delay(failures: Int, random: Double) -> TimeAmount {
            let doublings = min(max(failures - 1, 0), 32)
            let bound = min(Double(self.cap.nanoseconds), Double(self.base.nanoseconds) * Double(1 << doublings))
            return .nanoseconds(Int64(clamping: bound * min(max(random, 0), 1), to: 0...Int64.max))
        }
    }
}
