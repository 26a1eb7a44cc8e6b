// SPDX-License-Identifier: Apache-2.0

/// Who did what, when, and with what result. Never contains payloads or tokens.
package struct AuditRecord: Sendable, Equatable {
    package enum Action: String, Sendable, CaseIterable {
        /// Events were published. One record covers what one publisher did with one type and one result within about a
        /// second.
        case publish
        /// Another user's private channel or rows were read with the support scope.
        case supportRead = "support-read"
        case revoke
        case liftRevocation = "lift-revocation"
        /// An operator closed a connection; the client may reconnect.
        case disconnect
        /// An operator drained a node.
        case drain
    }

    package var time: Timestamp
    package var node: String
    /// The token's subject; for an operator, the name given in the request.
    package var actor: String
    package var action: Action
    /// The target: an event type, a channel, or what was revoked.
    package var object: String
    /// `accepted`, `duplicate`, or an error code.
    package var result: String
    /// Number of events, or of actions if there are no events.
    package var count: Int
    package var detail: String

    package init(
        time: Timestamp,
        node: String,
        actor: String,
        action: Action,
        object: String,
        result: String,
        count: Int = 1,
        detail: String = ""
    ) {
        self.time = time
        self.node = node
        self.actor = actor
        self.action = action
        self.object = object
        self.result = result
        self.count = count
        self.detail = detail
    }
}
