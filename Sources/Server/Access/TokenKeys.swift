// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Hub
import JWTKit
package import Secrets

/// Verifies JSON Web Tokens (RFC 7519) of several issuers, and creates tokens with the shared secret.
package struct TokenKeys: Sendable {
    private let secret: Secret?
    private let fixed: KeySet
    private let published: PublishedKeys?
    package let rules: TokenRules

    /// - Parameters:
    ///   - secret: HS256 secret, shared with the issuers. Nil if only public keys are used.
    ///   - keys: Static keys.
    ///   - published: Keys that an issuer publishes.
    package init(
        secret: Secret?,
        keys: [VerificationKey] = [],
        published: PublishedKeys? = nil,
        rules: TokenRules = TokenRules()
    ) {
        self.secret = secret
        self.fixed = KeySet((secret.map { [VerificationKey(secret: $0)] } ?? []) + keys)
        self.published = published
        self.rules = rules
    }

    /// Verifies a token and returns its principal; immediately, unless its key has to be fetched first.
    package func verdict(on token: String, now: Timestamp = .now) -> TokenVerdict {
        let parsed: CompactToken
        do throws(TokenFault) {
            parsed = try CompactToken(token)
        } catch {
            return .settled(.failure(error))
        }
        guard let published else {
            return .settled(self.settle(parsed, self.fixed.check(parsed), now: now))
        }
        let present = published.present
        let outcome = KeySet(self.fixed.keys + present.keys).check(parsed)
        guard outcome == .unknownKey else { return .settled(self.settle(parsed, outcome, now: now)) }
        guard published.mayBeFetched(for: parsed.keyID) else {
            return .settled(present.isUsable ? self.settle(parsed, outcome, now: now) : .failure(Self.noKeys))
        }
        return .pending {
            let fetched = await published.fetched()
            guard fetched.isUsable else { return .failure(Self.noKeys) }
            return self.settle(parsed, KeySet(self.fixed.keys + fetched.keys).check(parsed), now: now)
        }
    }

    private static let noKeys = TokenFault.unavailable("the token issuer's keys are not available now; try again")

    private func settle(
        _ token: CompactToken,
        _ outcome: KeySet.Outcome,
        now: Timestamp
    ) -> Result<Principal, TokenFault> {
        do throws(TokenFault) {
            switch outcome {
            case .signed: return .success(try self.rules.principal(of: Claims(payload: token.payload), now: now))
            case .forged: throw .invalid("the token's signature is invalid")
            case .unknownKey:
                let key = token.keyID.map { " \"\($0.prefix(64))\"" } ?? ""
                throw .invalid("the hub has no \(token.algorithm.rawValue) key\(key) to verify the token with")
            }
        } catch {
            return .failure(error)
        }
    }

    /// The principal of a token; waits if its key has to be fetched.
    package func verify(_ token: String, now: Timestamp = .now) async throws(TokenFault) -> Principal {
        switch self.verdict(on: token, now: now) {
        case .settled(let result): try result.get()
        case .pending(let work): try await work().get()
        }
    }

    /// Creates a token signed with the secret.
    /// - Parameter expires: Nil for a token that never expires.
    package func sign(subject: String, scopes: [String], expires: Timestamp?) async throws -> String {
        guard let secret else { throw TokenFault.unavailable("there is no secret to sign tokens with") }
        let claims = Claims(
            sub: subject,
            exp: expires.map { Int($0.nanoseconds / 1_000_000_000) },
            scope: scopes.isEmpty ? nil : scopes.joined(separator: " "),
            iat: Int(Timestamp.now.nanoseconds / 1_000_000_000),
            jti: Base64URL.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) }),
            iss: self.rules.issuer,
            aud: self.rules.audiences.first.map { [$0] }
        )
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(key: secret.key), digestAlgorithm: .sha256)
        return try await keys.sign(claims)
    }
}
