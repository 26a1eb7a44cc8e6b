// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import JWTKit
package import Secrets

/// A key that verifies signatures, bound to one algorithm.
package struct VerificationKey: Sendable {
    private enum Material: Sendable {
        case secret(SymmetricKey)
        case publicKey(any JWTAlgorithm)
    }

    /// Its `kid`; nil for a key that tokens need not name.
    package let id: String?
    package let algorithm: TokenAlgorithm
    private let material: Material

    /// HS256.
    /// - Parameter secret: Shared with the issuers.
    package init(secret: Secret, id: String? = nil) {
        self.init(id: id, .hs256, .secret(secret.key))
    }

    /// RS256; keys of less than 2048 bits are refused.
    static func rsa(_ key: JWTKit.Insecure.RSA.PublicKey, id: String?) async throws -> VerificationKey {
        let collection = await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256)
        return VerificationKey(id: id, .rs256, .publicKey(try await collection.getKey()))
    }

    /// ES256.
    static func ecdsa(_ key: ES256PublicKey, id: String?) async throws -> VerificationKey {
        let collection = await JWTKeyCollection().add(ecdsa: key)
        return VerificationKey(id: id, .es256, .publicKey(try await collection.getKey()))
    }

    /// EdDSA on Ed25519.
    static func edDSA(_ key: EdDSA.PublicKey, id: String?) async throws -> VerificationKey {
        let collection = await JWTKeyCollection().add(eddsa: key)
        return VerificationKey(id: id, .edDSA, .publicKey(try await collection.getKey()))
    }

    private init(id: String?, _ algorithm: TokenAlgorithm, _ material: Material) {
        self.id = id
        self.algorithm = algorithm
        self.material = material
    }

    /// Whether the key verifies a token's signature.
    func hasSigned(_ token: CompactToken) -> Bool {
        guard token.algorithm == self.algorithm else { return false }
        switch self.material {
        case .secret(let key):
            // Constant-time comparison.
            return HMAC<SHA256>.isValidAuthenticationCode(token.signature, authenticating: token.signed, using: key)
        case .publicKey(let algorithm):
            // Verification throws for malformed signatures, such as those of a wrong length.
            return (try? algorithm.verify(token.signature, signs: token.signed)) ?? false
        }
    }
}
