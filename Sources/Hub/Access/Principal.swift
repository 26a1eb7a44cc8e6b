// SPDX-License-Identifier: Apache-2.0

/// Who a session or a request belongs to, as a verified token says.
package struct Principal: Sendable, Equatable {
    /// `sub`: the user or service.
    package var subject: String
    /// `publish:<type>`, `read:<type>`, either with `*` for every type.
    package var scopes: Set<String>
    /// From when on the token is worth nothing; nil for a token that does not expire.
    package var expires: Timestamp?

    package init(subject: String, scopes: Set<String> = [], expires: Timestamp? = nil) {
        self.subject = subject
        self.scopes = scopes
        self.expires = expires
    }

    /// Whether events of a type may be published.
    package func mayPublish(_ type: some StringProtocol) -> Bool {
        self.scopes.contains("publish:*") || self.scopes.contains("publish:\(type)")
    }

    /// Whether events of any type may be published: what makes a service of somebody.
    package var mayPublishSomething: Bool {
        self.scopes.contains { $0.hasPrefix("publish:") }
    }

    /// Whether every channel of a type may be read, also other users'.
    package func mayReadAll(_ type: some StringProtocol) -> Bool {
        self.scopes.contains("read:*") || self.scopes.contains("read:\(type)")
    }
}

extension EventType {
    /// Whether someone may read a channel of this type; `nil` is someone who has not authenticated.
    package func mayRead(_ channel: ChannelName, _ principal: Principal?) -> Bool {
        switch self.readers {
        case .everyone:
            return true
        case .owner:
            guard let principal else { return false }
            return channel.key.hasSameBytes(as: principal.subject) || principal.mayReadAll(self.name)
        case .scope:
            return principal?.mayReadAll(self.name) ?? false
        }
    }
}

/// Why a token was refused.
package enum TokenFault: Error, Sendable, Equatable {
    case expired
    /// Malformed, wrongly signed, or without what a token needs; the text may be shown to its sender.
    case invalid(String)
}

/// Turns a token into who it belongs to. Called on any task; may suspend.
package typealias TokenVerifier = @Sendable (_ token: String) async throws(TokenFault) -> Principal
