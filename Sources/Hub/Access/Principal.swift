// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// The identity and permissions of a session or request, from a verified token.
package struct Principal: Sendable, Equatable {
    /// `sub`: the user or service.
    package var subject: String
    /// `publish:<type>` and `read:<type>`, with `*` for all types; `source:<name>`, with `*` for all names.
    package var scopes: Set<String>
    /// When the token expires; nil if it never does.
    package var expires: Timestamp?
    /// When the token was issued, if it says so.
    package var issued: Timestamp?
    /// The token's id, if it has one.
    package var tokenID: String?
    /// Whether this is a built-in source of the hub. A token cannot set this.
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

    /// Whether the principal has a scope; false for nil.
    package func has(_ scope: String?) -> Bool {
        guard let scope, let place = self.scopes.firstIndex(of: scope) else { return false }
        return self.scopes[place].hasSameBytes(as: scope)
    }

    /// Whether events of any type may be published, that is, whether this is a service.
    package var mayPublishSomething: Bool {
        self.scopes.contains { $0.utf8.starts(with: "publish:".utf8) }
    }

    /// Whether every channel of a type may be read, including those of other users.
    package func mayReadAll(_ type: some StringProtocol) -> Bool {
        self.has("read:*") || self.has("read:\(type)")
    }
}

extension EventType {
    /// Whether a principal may read a channel of this type; `nil` is an unauthenticated client.
    /// - Parameter supportScope: The scope that gives access to private channels, see
    ///   ``HubConfiguration/supportScope``.
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

/// Verifies a token and returns its owner.
package struct TokenVerifier: Sendable {
    /// Called on event loops and in other tasks: must not block.
    package let verdict: @Sendable (_ token: String) -> TokenVerdict
    /// Whether tokens can be verified at all. A node whose keys are not loaded yet accepts no clients.
    package let isReady: @Sendable () -> Bool

    package init(
        isReady: @escaping @Sendable () -> Bool = { true },
        verdict: @escaping @Sendable (_ token: String) -> TokenVerdict
    ) {
        self.isReady = isReady
        self.verdict = verdict
    }
}

/// The result of verifying a token, as far as it is available immediately.
package enum TokenVerdict: Sendable {
    case settled(Result<Principal, TokenFault>)
    /// Something has to be fetched first. The closure is called once.
    case pending(@Sendable () async -> Result<Principal, TokenFault>)
}

/// Why a token was rejected.
package enum TokenFault: Error, Sendable, Equatable {
    case expired
    case revoked
    /// Malformed, wrongly signed, or without a required claim. The text may be shown to the sender.
    case invalid(String)
    /// It cannot be verified now, but may be valid. The text may be shown to the sender.
    case unavailable(String)
}
