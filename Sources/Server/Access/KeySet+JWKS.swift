// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import JWTKit

/// Reading a JSON Web Key Set (RFC 7517 §5).
extension KeySet {
    /// Maximum number of keys in a set; further keys are ignored.
    static let maxKeys = 64

    /// Why a set is not usable.
    package struct Invalid: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads the public signature keys of a set. Other keys are ignored, as RFC 7517 §5 requires: other types and
    /// curves, encryption keys, other algorithms. Shared secrets, which must not be published, and weak keys are
    /// listed in ``unfit``.
    package init(jwks text: [UInt8]) async throws(Invalid) {
        let set: JSON.Value
        do throws(JSON.Fault) {
            set = try JSON.Value.parse(text)
        } catch {
            throw Invalid(description: "not JSON: \(error)")
        }
        guard let list = set["keys"], list.kind == .array else {
            throw Invalid(description: "not a JSON Web Key Set: it has no array \"keys\"")
        }
        var keys: [VerificationKey] = []
        var unfit: [String] = []
        for element in list.elements where keys.count < Self.maxKeys {
            do throws(Invalid) {
                if let key = try await Self.key(element) { keys.append(key) }
            } catch {
                let name = element["kid"]?.string.map { "the key \"\($0.prefix(64))\"" } ?? "a key"
                unfit.append("\(name) cannot be used: \(error)")
            }
        }
        guard !keys.isEmpty else {
            let reasons = (["no key in the set is a public signature key for RS256, ES256 or EdDSA"] + unfit.prefix(3))
            throw Invalid(description: reasons.joined(separator: "; "))
        }
        self.init(keys)
        self.unfit = unfit
    }

    private static let weakRSA = "an RSA key needs a modulus of 2048 bits or more"

    /// - Returns: Nil for a key that the hub does not use.
    private static func key(_ value: JSON.Value) async throws(Invalid) -> VerificationKey? {
        func text(_ name: String) -> String? { value[name]?.string }
        if let use = value["use"], !use.equals("sig") { return nil }
        if let operations = value["key_ops"], !operations.elements.contains(where: { $0.equals("verify") }) {
            return nil
        }
        if let algorithm = text("alg"), TokenAlgorithm(rawValue: algorithm) == nil { return nil }
        let key: VerificationKey?
        switch text("kty") {
        case "oct":
            throw Invalid(description: "it is a shared secret (oct), which belongs in jwt-secret-file")
        case "RSA":
            guard let modulus = text("n"), let exponent = text("e"),
                let rsa = try? Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)
            else { throw Invalid(description: Self.weakRSA) }
            key = try? await .rsa(rsa, id: text("kid"))
        case "EC":
            guard text("crv") == "P-256" else { return nil }
            guard let x = text("x"), let y = text("y"), let ecdsa = try? ES256PublicKey(parameters: (x: x, y: y)) else {
                throw Invalid(description: "it is not a point on P-256")
            }
            key = try? await .ecdsa(ecdsa, id: text("kid"))
        case "OKP":
            guard text("crv") == "Ed25519" else { return nil }
            guard let x = text("x"), let edDSA = try? EdDSA.PublicKey(x: x, curve: .ed25519) else {
                throw Invalid(description: "it is not an Ed25519 key")
            }
            key = try? await .edDSA(edDSA, id: text("kid"))
        default:
            return nil
        }
        // A set may contain a key twice, for RS256 and for PS256. The hub uses only keys for its own algorithms.
        guard let key, value["alg"].map({ $0.equals(key.algorithm.rawValue) }) ?? true else { return nil }
        return key
    }
}
