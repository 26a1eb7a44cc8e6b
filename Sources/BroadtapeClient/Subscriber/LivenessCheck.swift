// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Whether the hub is alive: after silence the client sends a ping, and without an answer the connection ends.
///
/// A value: time is an argument.
struct LivenessCheck: Sendable, Equatable {
    /// Until the hub has sent its own.
    static let defaultHeartbeat = TimeAmount.seconds(10)
    /// The longest wait for an answer; otherwise three quarters of a heartbeat.
    private static let longestProbe = TimeAmount.seconds(5)
    /// A timer that is later than this, and than a heartbeat, was asleep.
    private static let asleep = TimeAmount.seconds(5)

    private(set) var heartbeat = Self.defaultHeartbeat
    private(set) var lastHeard = NIODeadline.now()
    private var probeUntil: NIODeadline?

    init(now: NIODeadline) {
        self.lastHeard = now
    }

    /// The hub announced its heartbeat interval.
    mutating func setHeartbeat(milliseconds: Int) {
        self.heartbeat = .milliseconds(Int64(clamping: min(max(milliseconds, 1), 3_600_000)))
    }

    /// Something arrived.
    mutating func heard(now: NIODeadline) {
        self.lastHeard = max(self.lastHeard, now)
        self.probeUntil = nil
    }

    /// A ping was sent to the hub.
    mutating func probing(now: NIODeadline) {
        let patience = min(.nanoseconds(self.heartbeat.nanoseconds / 4 * 3), Self.longestProbe)
        self.probeUntil = now + patience
    }

    /// When to check again.
    var due: NIODeadline {
        self.probeUntil ?? self.lastHeard + .nanoseconds(self.heartbeat.nanoseconds / 4 * 5)
    }

    enum OnTick: Sendable, Equatable {
        case nothing
        /// Send a ping.
        case probe
        /// The connection is dead.
        case giveUp(silence: TimeAmount)
    }

    func tick(now: NIODeadline) -> OnTick {
        guard now >= self.due else { return .nothing }
        return self.probeUntil == nil ? .probe : .giveUp(silence: now - self.lastHeard)
    }

    /// Whether a timer that is this late means that the process was asleep and could not receive anything.
    func wasAsleep(late: TimeAmount) -> Bool {
        late > max(self.heartbeat, Self.asleep)
    }
}
