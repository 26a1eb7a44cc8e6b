// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore

/// When a subscriber connects, waits and stops.
///
/// A value: time and randomness are arguments.
struct ReconnectState: Sendable, Equatable {
    enum Phase: Sendable, Equatable {
        /// Not connected; connecting is due. → `connecting`, `waiting`, `stopped`
        case ready
        /// Connecting. → `open`, `waiting`, `stopped`
        case connecting
        /// Connected. → `waiting`, `connecting`, `stopped`
        case open(since: NIODeadline)
        /// Waiting before the next attempt. → `ready`
        case waiting(until: NIODeadline)
        /// Connecting again would not help. Final.
        case stopped(Ending)
    }

    /// Longest wait that a hub can ask for.
    static let longestWait = TimeAmount.minutes(10)

    private(set) var phase = Phase.ready
    /// In a row.
    private(set) var failures = 0
    /// Whether the hub has chosen the wait.
    private(set) var isHinted = false
    private var invitation: TimeAmount?
    private let backoff: Backoff

    init(backoff: Backoff) {
        self.backoff = backoff
    }

    /// A connection is being opened.
    mutating func connecting() {
        switch self.phase {
        case .ready, .waiting, .open: self.phase = .connecting
        case .connecting, .stopped: break
        }
    }

    /// The connection is open.
    mutating func opened(now: NIODeadline) {
        switch self.phase {
        case .connecting:
            self.phase = .open(since: now)
            self.invitation = nil
        case .ready, .open, .waiting, .stopped:
            break
        }
    }

    /// The hub said when to reconnect; it chose a time for this client alone, so nothing is added to it.
    mutating func goodbye(reconnectAfter: TimeAmount) {
        switch self.phase {
        case .open: self.invitation = min(max(reconnectAfter, .zero), Self.longestWait)
        case .ready, .connecting, .waiting, .stopped: break
        }
    }

    enum OnEnd: Sendable, Equatable {
        /// Connect again after this time.
        case wait(TimeAmount)
        /// Do not connect again.
        case stop(Ending)
    }

    /// The connection has ended, or failed.
    /// - Parameter random: Uniformly random from 0 to 1.
    mutating func ended(_ ending: Ending, now: NIODeadline, random: Double) -> OnEnd {
        switch self.phase {
        case .stopped(let ending):
            return .stop(ending)
        case .open(let since):
            if now - since >= TimeAmount(self.backoff.stableAfter) { self.failures = 0 }
        case .ready, .connecting, .waiting:
            break
        }
        guard ending.verdict == .reconnect else {
            self.phase = .stopped(ending)
            return .stop(ending)
        }
        let delay = self.delay(after: ending, random: random)
        self.phase = .waiting(until: now + delay)
        return .wait(delay)
    }

    private mutating func delay(after ending: Ending, random: Double) -> TimeAmount {
        if let invitation = self.invitation ?? ending.invitation {
            self.invitation = nil
            self.isHinted = true
            return min(invitation, Self.longestWait)
        }
        self.failures += 1
        let delay = self.backoff.delay(failures: self.failures, random: random)
        self.isHinted = ending.leastWait != nil
        guard let least = ending.leastWait else { return delay }
        return max(delay, min(least, Self.longestWait))
    }
}

extension Ending {
    /// When the hub asked the client to reconnect: `draining;retry=18250` in the reason of close code 4001.
    fileprivate var invitation: TimeAmount? {
        guard case .closed(4001, let reason) = self else { return nil }
        for part in reason.split(separator: ";") where part.hasPrefix("retry=") {
            return Int(decimal: part.dropFirst(6), in: 0...3_600_000).map { .milliseconds(Int64(clamping: $0)) }
        }
        return nil
    }

    /// What a server asked for with `Retry-After`.
    fileprivate var leastWait: TimeAmount? {
        guard case .refused(_, _, let seconds?) = self, (0...86_400).contains(seconds) else { return nil }
        return .seconds(Int64(clamping: seconds))
    }
}
