// SPDX-License-Identifier: Apache-2.0

import JWTKit

/// Reading key files.
extension KeySet {
    /// Reads a key file: a JSON Web Key Set, or one public key or certificate in PEM.
    /// - Parameter id: The `kid` of a PEM key, which has none itself. With nil, the key is tried for every token of its
    ///   algorithm.
    package init(file text: String, id: String?) async throws(Invalid) {
        if text.utf8.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            guard id == nil else { throw Invalid(description: "the keys of a JSON Web Key Set have their own ids") }
            try await self.init(jwks: Array(text.utf8))
            // The operator can fix a file; an issuer's published set is used as it is.
            if let reason = self.unfit.first { throw Invalid(description: reason) }
        } else {
            self.init([try await Self.key(pem: text, id: id)])
        }
    }

    private static func key(pem: String, id: String?) async throws(Invalid) -> VerificationKey {
        guard !pem.contains("PRIVATE KEY-----") else {
            throw Invalid(description: "this is a private key; the hub needs only the public key")
        }
        guard pem.contains(where: { !$0.isWhitespace }) else { throw Invalid(description: "the file is empty") }
        let isCertificate = pem.contains("-----BEGIN CERTIFICATE-----")
        guard isCertificate || pem.contains("-----BEGIN") else {
            throw Invalid(description: "neither PEM nor a JSON Web Key Set")
        }
        do {
            if let key = isCertificate ? try? Insecure.RSA.PublicKey(certificatePEM: pem) : try? .init(pem: pem) {
                return try await .rsa(key, id: id)
            }
            if let key = isCertificate ? try? ES256PublicKey(certificate: pem) : try? .init(pem: pem) {
                return try await .ecdsa(key, id: id)
            }
            if !isCertificate, let key = try? EdDSA.PublicKey(pem: pem) {
                return try await .edDSA(key, id: id)
            }
        } catch {
            throw Invalid(description: "the key cannot be used: \(error)")
        }
        throw Invalid(description: "not a public key for RS256 (2048 bits or more), ES256 (P-256) or EdDSA (Ed25519)")
    }
}
