// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore

/// How long to wait before connecting again: full jitter under an exponential bound, so that the clients of a hub
/// that restarts do not all return at once.
public struct Backoff: Sendable, Equatable {
    /// Upper bound of the first delay.
    public var base: Duration
    /// Upper bound of every delay.
    public var cap: Duration
    /// How long a connection must have been open for the next failure to count as the first.
    public var stableAfter: Duration

    /// Creates a policy.
    public init(
        base: Duration = .milliseconds(500),
        cap: Duration = .seconds(30),
        stableAfter: Duration = .seconds(30)
    ) {
        self.base = base
        self.cap = cap
        self.stableAfter = stableAfter
    }

    /// The delay after a number of failures in a row.
    /// - Parameters:
    ///   - failures: 1 for the first.
    ///   - random: Uniformly random from 0 to 1.
    func delay(failures: Int, random: Double) -> TimeAmount {
        let doublings = min(max(failures - 1, 0), 32)
        let base = Double(TimeAmount(self.base).nanoseconds)
        let bound = min(Double(TimeAmount(self.cap).nanoseconds), base * Double(1 << doublings))
        return .nanoseconds(Int64(clamping: bound * min(max(random, 0), 1), to: 0...Int64.max))
    }
}
