// SPDX-License-Identifier: Apache-2.0

import JSON

/// A channel that a subscriber wants to follow, and where to begin.
public struct Subscription: Sendable, Equatable {
    /// Where a subscription begins the first time.
    ///
    /// Later connections resume where the last one ended.
    public enum Start: Sendable, Equatable {
        /// The current state for types of which only the newest counts, otherwise from now on.
        case typeDefault
        /// From now on.
        case live
        /// The current state, then from now on.
        case snapshot
        /// The events after a number; 0 is before the first. Give the epoch the number belongs to, if known.
        case after(Int, epoch: String? = nil)
    }

    /// `type:key`, or a private type without a key for the token's own user.
    public var channel: String
    /// Where to begin.
    public var start: Start
    /// Least milliseconds between two events, for types of which only the newest counts.
    public var interval: Int?

    /// By bytes: channels whose names only look the same are different ones.
    public static func == (left: Self, right: Self) -> Bool {
        left.channel.hasSameBytes(as: right.channel) && left.start == right.start && left.interval == right.interval
    }

    /// Creates a subscription.
    public init(_ channel: String, from start: Start = .typeDefault, interval: Int? = nil) {
        self.channel = channel
        self.start = start
        self.interval = interval
    }
}
