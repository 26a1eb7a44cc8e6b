// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

/// Enforces an ``AllowedRate``: a token bucket, stored as the time at which it will be full.
///
/// A single-word value without a clock: the caller passes the time.
package struct TokenBucket: Sendable, Equatable {
    /// When the bucket will be full again, in nanoseconds of uptime.
    private var full: UInt64 = 0

    package init() {}

    /// Whether the bucket is full.
    package func isFull(at now: NIODeadline) -> Bool {
        self.full <= now.uptimeNanoseconds
    }

    /// Takes tokens if there are enough. There are never more than the bucket holds.
    /// - Returns: How long until there would be enough; nil if they were taken.
    package mutating func take(_ count: Int, of rate: AllowedRate, at now: NIODeadline) -> TimeAmount? {
        let uptime = now.uptimeNanoseconds
        let taken = Self.time(for: max(0, count), of: rate)
        let level = max(self.full, uptime) - uptime
        let capacity = Self.time(for: rate.burst, of: rate)
        let wanted = level.addingReportingOverflow(taken)
        guard !wanted.overflow, wanted.partialValue <= capacity else {
            let wait = wanted.overflow ? Self.longest : wanted.partialValue - capacity
            return .nanoseconds(Int64(clamping: min(wait, Self.longest)))
        }
        self.full = uptime + wanted.partialValue
        return nil
    }

    /// A hundred years in nanoseconds, which leaves room for adding waiting times without overflow.
    private static let longest: UInt64 = 31_536_000 * 100 * 1_000_000_000

    /// How long it takes until tokens are available again, in nanoseconds; at most ``longest`` plus a second.
    private static func time(for count: Int, of rate: AllowedRate) -> UInt64 {
        let seconds = UInt64(clamping: count) / UInt64(clamping: rate.perSecond)
        let rest = UInt64(clamping: count) % UInt64(clamping: rate.perSecond)
        let nanoseconds = (Double(rest) / Double(rate.perSecond) * 1e9).rounded(.up)
        return min(seconds, Self.longest / 1_000_000_000) * 1_000_000_000
            + UInt64(clamping: nanoseconds, to: 0...1_000_000_000)
    }
}

/// An average rate per second, and the burst allowed after a pause.
package struct AllowedRate: Sendable, Equatable {
    /// At least 1.
    package let perSecond: Int
    /// At least 1.
    package let burst: Int

    package init(perSecond: Int, burst: Int) {
        self.perSecond = max(1, perSecond)
        self.burst = max(1, burst)
    }
}
