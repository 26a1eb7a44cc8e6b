// SPDX-License-Identifier: Apache-2.0

import JSON

/// Withdraws the access of a token, a user or a session before it expires.
package struct Revocation: Sendable, Equatable {
    /// What is revoked.
    package enum Target: Hashable, Sendable {
        /// The token with this id (`jti`).
        case token(String)
        /// All tokens of a user or service that were issued up to the revocation; newer ones are valid. API keys and
        /// tokens without an issue time count as issued before.
        case subject(String)
        /// One connection. Its token stays valid.
        case session(String)

        package enum Kind: String, Sendable, CaseIterable {
            case token
            case subject
            case session
        }

        package init(_ kind: Kind, _ value: String) {
            self =
                switch kind {
                case .token: .token(value)
                case .subject: .subject(value)
                case .session: .session(value)
                }
        }

        package var kind: Kind {
            switch self {
            case .token: .token
            case .subject: .subject
            case .session: .session
            }
        }

        package var value: String {
            switch self {
            case .token(let value), .subject(let value), .session(let value): value
            }
        }

        /// Compares bytes, like everything that decides about access.
        package static func == (left: Self, right: Self) -> Bool {
            left.kind == right.kind && left.value.hasSameBytes(as: right.value)
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(self.kind)
            hasher.combine(bytesOf: self.value)
        }
    }

    /// Maximum length of the value, in UTF-8 bytes.
    package static let maxValueLength = 256
    /// Maximum length of the reason, in UTF-8 bytes.
    package static let maxReasonLength = 500

    package var target: Target
    /// When it was revoked.
    package var time: Timestamp
    /// When it can be deleted because everything it affects has expired; nil keeps it forever.
    package var until: Timestamp?
    /// A note for operators who read the list.
    package var reason: String

    package init(_ target: Target, time: Timestamp, until: Timestamp? = nil, reason: String = "") {
        self.target = target
        self.time = time
        self.until = until
        self.reason = reason
    }
}
