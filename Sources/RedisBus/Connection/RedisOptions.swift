// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

/// Options of connections to Redis.
package struct RedisOptions: Sendable {
    /// Client name in `CLIENT LIST`, without spaces.
    package var name = "broadtape"
    /// Timeout of TCP, TLS and the greeting together, including the subscription.
    package var connectTimeout = TimeAmount.seconds(5)
    /// Idle time after which a `PING` is sent.
    package var pingAfter = TimeAmount.seconds(1)
    /// Idle time after which the connection counts as dead. Does not run while reading is paused.
    package var silence = TimeAmount.seconds(4)
    /// Delay between connections.
    package var backoff = Backoff()
    /// Size limit of the outgoing queue, in bytes; events above it are dropped.
    package var outgoingBytes = 8 << 20
    /// Size limit of the incoming queue, in bytes; above it, the socket is not read.
    package var inboxBytes = 8 << 20
    /// Maximum size of a message between nodes, in bytes; only a single event may exceed it.
    package var messageBytes = 256 << 10
    /// Limits of the server's replies.
    package var limits = RedisReader.Limits()

    package init() {}

    /// Exponential backoff with full jitter, so that nodes do not reconnect at the same time.
    package struct Backoff: Sendable, Equatable {
        /// Upper bound of the first delay.
        package var base = TimeAmount.milliseconds(100)
        /// Upper bound of every delay.
        package var cap = TimeAmount.seconds(5)
        /// How long a connection must have been open to reset the backoff.
        package var stableAfter = TimeAmount.seconds(5)

        package init() {}

        /// The delay after a number of consecutive failures.
        /// - Parameters:
        ///   - failures: 1 for the first.
        ///   - random: Uniformly distributed from 0 to 1.
        package func delay(failures: Int, random: Double) -> TimeAmount {
            let doublings = min(max(failures - 1, 0), 32)
            let bound = min(Double(self.cap.nanoseconds), Double(self.base.nanoseconds) * Double(1 << doublings))
            return .nanoseconds(Int64(clamping: bound * min(max(random, 0), 1), to: 0...Int64.max))
        }
    }
}
