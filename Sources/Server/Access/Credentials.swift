// SPDX-License-Identifier: Apache-2.0

package import Hub

/// Verifies the credentials of clients and services.
package struct Credentials: Sendable {
    package let tokens: TokenKeys
    package let services: ServiceAccounts

    package init(tokens: TokenKeys, services: ServiceAccounts = ServiceAccounts()) {
        self.tokens = tokens
        self.services = services
    }

    /// Verifies a token or an API key and returns its principal.
    package func verdict(on credential: String) -> TokenVerdict {
        guard credential.hasPrefix(APIKey.prefix) else { return self.tokens.verdict(on: credential) }
        return .settled(
            Result { () throws(TokenFault) in try self.services.principal(apiKey: credential) }
        )
    }
}
