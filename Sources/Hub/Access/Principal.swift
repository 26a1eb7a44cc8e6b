// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Who a session or a request belongs to, as a verified token says.
package struct Principal: Sendable, Equatable {
    /// `sub`: the user or service.
    package var subject: String
    /// `publish:<type>`, `read:<type>`, either with `*` for every type; `source:<name>`, or `*` for every name.
    package var scopes: Set<String>
    /// From when on the token is worth nothing; nil for a token that does not expire.
    package var expires: Timestamp?
    /// When the token was issued, where it says so.
    package var issued: Timestamp?
    /// Names the token, where it has a name.
    package var tokenID: String?
    /// Whether it is a source of the hub itself, which no token says.
    package var isInternal: Bool

    package init(
        subject: String,
        scopes: Set<String> = [],
        expires: Timestamp? = nil,
        issued: Timestamp? = nil,
        tokenID: String? = nil,
        isInternal: Bool = false
    ) {
        self.subject = subject
        self.scopes = scopes
        self.expires = expires
        self.issued = issued
        self.tokenID = tokenID
        self.isInternal = isInternal
    }

    /// Whether events of a type may be published.
    package func mayPublish(_ type: some StringProtocol) -> Bool {
        self.has("publish:*") || self.has("publish:\(type)")
    }

    /// Whether a scope was given, where there is such a scope.
    package func has(_ scope: String?) -> Bool {
        guard let scope, let place = self.scopes.firstIndex(of: scope) else { return false }
        return self.scopes[place].hasSameBytes(as: scope)
    }

    /// Whether events of any type may be published: what makes a service of somebody.
    package var mayPublishSomething: Bool {
        self.scopes.contains { $0.utf8.starts(with: "publish:".utf8) }
    }

    /// Whether every channel of a type may be read, also other users'.
    package func mayReadAll(_ type: some StringProtocol) -> Bool {
        self.has("read:*") || self.has("read:\(type)")
    }
}

extension EventType {
    /// Whether someone may read a channel of this type; `nil` is someone who has not authenticated.
    /// - Parameter supportScope: The scope that opens private channels, see ``HubConfiguration/supportScope``.
    package func mayRead(_ channel: ChannelName, _ principal: Principal?, supportScope: String? = nil) -> Bool {
        switch self.readers {
        case .everyone:
            return true
        case .owner:
            guard let principal else { return false }
            return channel.key.hasSameBytes(as: principal.subject) || principal.mayReadAll(self.name)
                || principal.has(supportScope)
        case .scope:
            return principal?.mayReadAll(self.name) ?? false
        }
    }
}
