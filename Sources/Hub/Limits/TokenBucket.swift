// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

/// Keeps someone to an ``AllowedRate``: a token bucket, kept as the time at which it will be full.
///
/// A value of one word without a clock: the time comes in with every call.
package struct TokenBucket: Sendable, Equatable {
    /// When all tokens will be back, in nanoseconds of uptime.
    private var full: UInt64 = 0

    package init() {}

    /// Whether all tokens are there.
    package func isFull(at now: NIODeadline) -> Bool {
        self.full <= now.uptimeNanoseconds
    }

    /// Takes tokens if there are enough. More than the bucket holds are never there.
    /// - Returns: How long until there would be enough; nil when they were taken.
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

    /// A hundred years, in nanoseconds: leaves room to count with what is waited for.
    private static let longest: UInt64 = 31_536_000 * 100 * 1_000_000_000

    /// How long it takes for tokens to come back, in nanoseconds; ``longest`` and a second at most.
    private static func time(for count: Int, of rate: AllowedRate) -> UInt64 {
        let seconds = UInt64(clamping: count) / UInt64(clamping: rate.perSecond)
        let rest = UInt64(clamping: count) % UInt64(clamping: rate.perSecond)
        let nanoseconds = (Double(rest) / Double(rate.perSecond) * 1e9).rounded(.up)
        return min(seconds, Self.longest / 1_000_000_000) * 1_000_000_000
            + UInt64(clamping: nanoseconds, to: 0...1_000_000_000)
    }
}
