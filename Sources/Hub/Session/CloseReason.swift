// SPDX-License-Identifier: Apache-2.0

/// Why the hub closes a connection. The close code tells the client how to react.
package enum CloseReason: Sendable, Equatable {
    /// The node is shutting down; the client reconnects after this many milliseconds.
    case draining(reconnectAfter: Int)
    case tokenExpired
    /// Only if the operator has configured a limit, which is included.
    case slowConsumer(limit: Duration)
    case heartbeatTimeout
    /// Disconnected by an operator; the client may reconnect.
    case disconnected
    case overloaded
    case badMessage(String)
    case notAuthenticated(String)
    case revoked
    case tooManyConnections(limit: Int)
    case tooManySubscriptions(limit: Int)
    case rateLimited

    /// 4000–4099: reconnect and resume. 4500–4999: do not reconnect automatically.
    package var code: UInt16 {
        switch self {
        case .draining: 4001
        case .tokenExpired: 4005
        case .slowConsumer: 4008
        case .heartbeatTimeout: 4009
        case .disconnected: 4010
        case .overloaded: 4013
        case .badMessage: 4500
        case .notAuthenticated: 4501
        case .revoked: 4502
        case .tooManyConnections: 4504
        case .tooManySubscriptions: 4505
        case .rateLimited: 4508
        }
    }

    /// At most 123 bytes are sent.
    package var text: String {
        switch self {
        case .draining(let reconnectAfter): "draining;retry=\(reconnectAfter)"
        case .tokenExpired: "the token has expired; reconnect with a new one"
        case .slowConsumer(let limit): "slow consumer: events waited for \(limit) and nothing was read"
        case .heartbeatTimeout: "nothing was received from the client for too long"
        case .disconnected: "disconnected by an operator; reconnect and resume"
        case .overloaded: "overloaded; try again later"
        case .badMessage(let why): why
        case .notAuthenticated(let why): why
        case .revoked: "revoked"
        case .tooManyConnections(let limit): "more than \(limit) connections of this user"
        case .rateLimited: "too many messages or bytes in a short time"
        case .tooManySubscriptions(let limit): "more than \(limit) subscriptions"
        }
    }
}
