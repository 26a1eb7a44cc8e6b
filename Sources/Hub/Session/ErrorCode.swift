// SPDX-License-Identifier: Apache-2.0

/// The error code of an `error` message.
package enum ErrorCode: String, Sendable, CaseIterable {
    case badRequest = "bad_request"
    case unknownOp = "unknown_op"
    case notAuthenticated = "not_authenticated"
    case badToken = "bad_token"
    case tokenExpired = "token_expired"
    case revoked
    case forbidden
    case unknownType = "unknown_type"
    case alreadySubscribed = "already_subscribed"
    case notSubscribed = "not_subscribed"
    case tooManySubscriptions = "too_many_subscriptions"
    case tooManyConnections = "too_many_connections"
    case rateLimited = "rate_limited"
    case cursorExpired = "cursor_expired"
    case epochChanged = "epoch_changed"
    case invalidEvent = "invalid_event"
    case conflict
    case tooLarge = "too_large"
    case unavailable
    case overloaded

    /// What the client should do about it, if there is one obvious action.
    package var action: String? {
        switch self {
        case .cursorExpired, .epochChanged: "snapshot"
        case .notAuthenticated, .tokenExpired: "auth"
        case .unavailable, .overloaded, .rateLimited: "retry"
        case .badRequest, .unknownOp, .badToken, .revoked, .forbidden, .unknownType, .alreadySubscribed, .notSubscribed,
            .tooManySubscriptions, .tooManyConnections, .invalidEvent, .conflict, .tooLarge:
            nil
        }
    }
}
