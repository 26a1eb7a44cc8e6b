// SPDX-License-Identifier: Apache-2.0

/// Who did what, when, and what came of it. Never what was said: no payloads, no tokens.
package struct AuditRecord: Sendable, Equatable {
    package enum Action: String, Sendable, CaseIterable {
        /// Events were handed in. One record stands for what one publisher did with one type to one result within
        /// about a second.
        case publish
        /// Someone read another user's private channel or rows by the support scope.
        case supportRead = "support-read"
        case revoke
        case liftRevocation = "lift-revocation"
        /// An operator closed a connection, which may come back.
        case disconnect
        /// An operator made a node leave.
        case drain
    }

    package var time: Timestamp
    package var node: String
    /// The token's subject; for an operator, who the request says it is.
    package var actor: String
    package var action: Action
    /// What it was done to: an event type, a channel, what was revoked.
    package var object: String
    /// `accepted`, `duplicate`, or the code of the error.
    package var result: String
    /// Events or, where there are none, how often.
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
