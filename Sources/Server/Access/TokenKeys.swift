// SPDX-License-Identifier: Apache-2.0

package import Hub
import JWTKit

/// Verifies and makes JSON Web Tokens (RFC 7519) signed with HS256.
package struct TokenKeys: Sendable {
    /// How far a publisher's clock may be ahead, for `nbf`.
    private static let leeway = 30
    /// Of an HS256 key, in bytes.
    private static let keyLength = 32

    private let keys: JWTKeyCollection

    /// - Parameter secret: Shared by those who make tokens and the hub; 32 bytes or more (RFC 7518 §3.2).
    package init(secret: String) async {
        // HMAC fills a short key up with zeros itself (RFC 2104 §2); the library wants it done before.
        let bytes = Array(secret.utf8)
        let key = bytes + Array(repeating: 0, count: max(0, Self.keyLength - bytes.count))
        self.keys = JWTKeyCollection()
        await self.keys.add(hmac: HMACKey(from: key), digestAlgorithm: .sha256)
    }

    /// Who a token belongs to.
    package func verify(_ token: String, now: Timestamp = .now) async throws(TokenFault) -> Principal {
        let claims: Claims
        do {
            claims = try await self.keys.verify(token, as: Claims.self)
        } catch {
            throw .invalid("the token is malformed, wrongly signed or without a subject")
        }
        let second = Int(now.nanoseconds / 1_000_000_000)
        if let expires = claims.exp, expires <= second {
            throw .expired
        }
        if let notBefore = claims.nbf, notBefore > second + Self.leeway {
            throw .invalid("the token is not valid yet")
        }
        guard ChannelName.isValidKey(claims.sub) else {
            throw .invalid("the token's subject is empty, too long or has control characters")
        }
        let scopes = claims.scope.map { $0.split(separator: " ").map(String.init) } ?? []
        return Principal(
            subject: claims.sub,
            scopes: Set(scopes),
            expires: claims.exp.map { Timestamp.epoch.advanced(by: .seconds($0)) }
        )
    }

    /// Makes a token.
    /// - Parameter expires: nil for one that never expires.
    package func sign(subject: String, scopes: [String], expires: Timestamp?) async throws -> String {
        let claims = Claims(
            sub: subject,
            exp: expires.map { Int($0.nanoseconds / 1_000_000_000) },
            scope: scopes.isEmpty ? nil : scopes.joined(separator: " ")
        )
        return try await self.keys.sign(claims)
    }
}

extension Timestamp {
    fileprivate static let epoch = Timestamp(nanoseconds: 0)
}
