// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Whether the hub is still there: silence makes the client ask, and no answer to that is the end.
///
/// A value: time is an argument.
struct Pulse: Sendable, Equatable {
    /// Before the hub has told its own.
    static let defaultHeartbeat = TimeAmount.seconds(10)
    /// How long an answer is waited for at most; otherwise three quarters of a heartbeat.
    private static let longestProbe = TimeAmount.seconds(5)
    /// A timer that is later than this, and than a heartbeat, was asleep.
    private static let asleep = TimeAmount.seconds(5)

    private(set) var heartbeat = Self.defaultHeartbeat
    private(set) var lastHeard = NIODeadline.now()
    private var probeUntil: NIODeadline?

    init(now: NIODeadline) {
        self.lastHeard = now
    }

    /// The hub told how often it speaks.
    mutating func told(heartbeatMilliseconds: Int) {
        self.heartbeat = .milliseconds(Int64(min(max(heartbeatMilliseconds, 1), 3_600_000)))
    }

    /// Something arrived.
    mutating func heard(now: NIODeadline) {
        self.lastHeard = max(self.lastHeard, now)
        self.probeUntil = nil
    }

    /// The hub is being asked for a sign of life.
    mutating func probing(now: NIODeadline) {
        let patience = min(.nanoseconds(self.heartbeat.nanoseconds / 4 * 3), Self.longestProbe)
        self.probeUntil = now + patience
    }

    /// When to look again.
    var due: NIODeadline {
        self.probeUntil ?? self.lastHeard + .nanoseconds(self.heartbeat.nanoseconds / 4 * 5)
    }

    enum OnTick: Sendable, Equatable {
        case nothing
        /// Ask for a sign of life.
        case probe
        /// The connection is dead.
        case giveUp(silence: TimeAmount)
    }

    func tick(now: NIODeadline) -> OnTick {
        guard now >= self.due else { return .nothing }
        return self.probeUntil == nil ? .probe : .giveUp(silence: now - self.lastHeard)
    }

    /// Whether a timer that came so late was asleep, and with it everything that could have been heard.
    func wasAsleep(late: TimeAmount) -> Bool {
        late > max(self.heartbeat, Self.asleep)
    }
}
