// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Crypto
import Foundation
import JSON
package import Secrets

/// Makes JSON Web Tokens signed with HS256 (RFC 7515, RFC 7519).
package struct TokenMaker: Sendable {
    private let key: SymmetricKey

    /// Creates a maker with the secret that the hub knows too.
    package init(secret: Secret) {
        self.key = secret.key
    }

    /// Makes a token.
    /// - Parameters:
    ///   - subject: The user or service.
    ///   - scopes: Such as `publish:*`.
    ///   - expires: Seconds since 1970.
    package func token(subject: String, scopes: [String], expires: Int) -> String {
        var claims = JSON.Writer()
        claims.beginObject()
        claims.member("sub", string: subject)
        claims.member("exp", integer: expires)
        if !scopes.isEmpty { claims.member("scope", string: scopes.joined(separator: " ")) }
        claims.endObject()
        let header = Self.base64URL(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let signed = "\(header).\(Self.base64URL(claims.bytes))"
        let signature = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: self.key)
        return "\(signed).\(Self.base64URL(Array(signature)))"
    }

    /// Base64 with the URL-safe alphabet and without padding (RFC 4648 §5).
    private static func base64URL(_ bytes: [UInt8]) -> String {
        var text = Data(bytes).base64EncodedString()
        while text.last == "=" { text.removeLast() }
        return String(
            text.map { character in
                switch character {
                case "+": "-"
                case "/": "_"
                default: character
                }
            }
        )
    }
}
