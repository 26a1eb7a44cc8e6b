// SPDX-License-Identifier: Apache-2.0

import JSON

/// Takes back what a token, a user or a session was allowed, before its time is up.
package struct Revocation: Sendable, Equatable {
    /// What is revoked.
    package enum Target: Hashable, Sendable {
        /// The token of this id (`jti`).
        case token(String)
        /// All tokens of a user or service that were issued up to the revocation: a new one works. Tokens that do not
        /// say when they were issued, and API keys, count as issued before.
        case subject(String)
        /// One connection. Its token stays good.
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

        /// By bytes, as everywhere where names decide who sees what.
        package static func == (left: Self, right: Self) -> Bool {
            left.kind == right.kind && left.value.hasSameBytes(as: right.value)
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(self.kind)
            hasher.combine(bytesOf: self.value)
        }
    }

    /// Longest value, in UTF-8 bytes.
    package static let maxValueLength = 256
    /// Longest reason, in UTF-8 bytes.
    package static let maxReasonLength = 500

    package var target: Target
    /// When it was revoked.
    package var time: Timestamp
    /// When it can be forgotten, because everything that it concerns has expired; nil keeps it for ever.
    package var until: Timestamp?
    /// For those who look at the list.
    package var reason: String

    package init(_ target: Target, time: Timestamp, until: Timestamp? = nil, reason: String = "") {
        self.target = target
        self.time = time
        self.until = until
        self.reason = reason
    }
}
