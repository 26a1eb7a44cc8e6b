// SPDX-License-Identifier: Apache-2.0

package import JSON

/// The hub's messages, read into types.
///
/// Unknown fields are dropped, unknown messages are a value.
package enum Message: Sendable, Equatable {
    /// How a subscription began.
    package enum Mode: String, Sendable {
        /// Events from now on.
        case live
        /// The current state, then events.
        case snapshot
        /// The events after the position asked for, then events.
        case resumed
    }

    /// The hub's greeting on a new connection.
    package struct Welcome: Sendable, Equatable {
        package var session: String
        package var node: String
        /// Between a heartbeat and the next.
        package var heartbeatMilliseconds: Int
    }

    /// A token was accepted.
    package struct Authenticated: Sendable, Equatable {
        package var id: Int?
        package var user: String
        /// RFC 3339; nil for a token that does not expire.
        package var expires: String?
    }

    /// A subscription began.
    package struct Subscribed: Sendable, Equatable {
        package var id: Int?
        package var channel: String
        package var epoch: String
        package var head: Int
        package var mode: Mode
    }

    /// A page of history.
    package struct History: Sendable, Equatable {
        package var id: Int?
        package var channel: String
        /// Absent from some hubs.
        package var epoch: String?
        package var events: [Event]
        /// What to give as `after` for the next page.
        package var next: Int
    }

    /// The result of a publish request over the socket.
    package struct Published: Sendable, Equatable {
        package var id: Int?
        package var results: [Receipt]
    }

    /// A request was refused, or a subscription ended.
    package struct Fault: Sendable, Equatable {
        package var id: Int?
        /// The error code, such as `cursor_expired`.
        package var code: String
        /// A sentence for a human.
        package var message: String
        /// The channel, as the request wrote it.
        package var channel: String?
        /// What the client can do: `snapshot`, `auth`, `retry`.
        package var action: String?
        /// Milliseconds to wait before asking again.
        package var retryAfter: Int?
        /// What is wrong with each bad event of a publish request.
        package var items: [Problem.Item]
    }

    case welcome(Welcome)
    case authenticated(Authenticated)
    case subscribed(Subscribed)
    case unsubscribed(id: Int?, channel: String)
    /// The state at the beginning of a subscription; its number is at most the head.
    case snapshot(Event)
    case event(Event)
    /// What was asked for with `since` has all been sent.
    case caughtUp(channel: String, seq: Int)
    /// The heads that moved since the last one; whether events cannot be committed now; names of the sources of
    /// subscribed events that have fallen silent.
    case heartbeat(heads: [ExactText: Int], isPaused: Bool = false, stale: [String] = [])
    case history(History)
    case published(Published)
    case pong(id: Int?)
    case error(Fault)
    /// The hub is about to close; reconnect after this many milliseconds.
    case goodbye(reason: String, reconnectAfter: Int)
    /// A message of a later version of the protocol.
    case unknown(op: String)
}
