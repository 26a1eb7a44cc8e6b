// SPDX-License-Identifier: Apache-2.0

/// What a subscriber reports to its consumer.
public enum Update: Sendable, Equatable {
    /// How a subscription began.
    public enum Mode: String, Sendable {
        /// From the head on.
        case live
        /// With the current state, which follows.
        case snapshot
        /// With the events after the position, which follow.
        case resumed
    }

    /// A connection is open.
    case connected(session: String, node: String)
    /// The hub accepted the token.
    case authenticated(user: String)
    /// A channel is followed from a position on: every later event comes, once and in order.
    case subscribed(Position, mode: Mode)
    /// The current state of a channel at the beginning of a subscription; one per currency for balances.
    case snapshot(Event)
    /// An event.
    case event(Event)
    /// Everything that was missed has been delivered.
    case caughtUp(channel: String, seq: Int)
    /// Events of a channel are missing, and are no longer available. A snapshot follows where the type has one.
    case gap(Gap)
    /// The hub does not let this client follow the channel, whose name is as it was requested; the others continue.
    case refused(channel: String, code: String, message: String)
    /// Whether the hub has events of a channel that have not arrived yet; reported with each heartbeat that says so, and
    /// once they have arrived.
    case behind(channel: String, isBehind: Bool, head: Int, seq: Int)
    /// Whether events cannot be committed at the moment; reading continues.
    case paused(Bool)
    /// The sources of the followed channels that have fallen silent, all of them whenever they change.
    case stale([String])
    /// Another error of the hub.
    case notice(code: String, message: String)
    /// The connection has ended, or could not be made; another attempt follows after this time.
    case disconnected(Ending, retryInMilliseconds: Int)

    /// Its approximate size in memory, in bytes.
    var cost: Int {
        switch self {
        case .event(let event), .snapshot(let event): event.cost
        case .connected, .authenticated, .subscribed, .caughtUp, .gap, .refused, .behind, .paused, .stale, .notice,
            .disconnected:
            256
        }
    }

    /// The position to resume from after handling it.
    var place: Position? {
        switch self {
        case .event(let event), .snapshot(let event):
            Position(channel: event.channel, epoch: event.epoch, seq: event.seq)
        case .subscribed(let position, mode: .live):
            position
        case .connected, .authenticated, .subscribed, .caughtUp, .gap, .refused, .behind, .paused, .stale, .notice,
            .disconnected:
            nil
        }
    }
}

/// Events that a subscriber did not get.
public struct Gap: Sendable, Equatable {
    /// Why they are missing.
    public enum Reason: String, Sendable {
        /// The hub no longer retains them.
        case cursorExpired
        /// The channel's numbering has started over.
        case epochChanged
        /// The hub left them out silently: a fault.
        case missing
    }

    /// The channel's full name.
    public var channel: String
    /// The number of the last event before the gap.
    public var after: Int
    /// The number of the first event after the gap, if it is known.
    public var before: Int?
    /// Why they are missing.
    public var reason: Reason

    /// Creates a gap.
    public init(channel: String, after: Int, before: Int? = nil, reason: Reason) {
        self.channel = channel
        self.after = after
        self.before = before
        self.reason = reason
    }
}
