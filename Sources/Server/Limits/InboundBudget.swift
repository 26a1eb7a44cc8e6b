// SPDX-License-Identifier: Apache-2.0

package import Hub
import NIOCore

/// Limits the frames and bytes per second of one connection.
package struct InboundBudget {
    /// Limits per connection, set by the operator; nil is unlimited.
    package struct Rates: Sendable, Equatable {
        /// Messages, pings and pongs; each fragment counts once.
        package var messages: AllowedRate?
        /// Bytes as received, before decompression.
        package var bytes: AllowedRate?

        package init() {}
    }

    private let rates: Rates
    private var messages = TokenBucket()
    private var bytes = TokenBucket()

    init(_ rates: Rates) {
        self.rates = rates
    }

    /// - Returns: How long the connection would have had to wait; nil when it is within its budget.
    mutating func take(messages count: Int, at now: NIODeadline) -> TimeAmount? {
        self.rates.messages.flatMap { self.messages.take(count, of: $0, at: now) }
    }

    /// - Returns: How long the connection would have had to wait; nil when it is within its budget.
    mutating func take(bytes count: Int, at now: NIODeadline) -> TimeAmount? {
        self.rates.bytes.flatMap { self.bytes.take(count, of: $0, at: now) }
    }
}
