// SPDX-License-Identifier: Apache-2.0

import JSON

/// The verification keys of all token issuers.
package struct KeySet: Sendable {
    enum Outcome: Equatable {
        case signed
        /// There are matching keys, but none of them verifies the signature.
        case forged
        /// There is no matching key.
        case unknownKey
    }

    /// Maximum number of keys tried per token, which limits the cost of a token without `kid`.
    private static let attempts = 8

    package var keys: [VerificationKey]
    /// Problems of ignored keys that should not have been in the set.
    package internal(set) var unfit: [String] = []

    package init(_ keys: [VerificationKey] = []) {
        self.keys = keys
    }

    /// Verifies a signature with the keys of the token's `kid`, otherwise with keys that have none. For a token without
    /// `kid`, all keys of its algorithm are tried, up to eight.
    func check(_ token: CompactToken) -> Outcome {
        var candidates = self.keys
        if let id = token.keyID {
            let named = candidates.filter { $0.id?.hasSameBytes(as: id) == true }
            candidates = named.isEmpty ? candidates.filter { $0.id == nil } : named
            // Each key is bound to one algorithm, so a token cannot make a public key serve as an HMAC secret.
            if !named.isEmpty, !named.contains(where: { $0.algorithm == token.algorithm }) { return .forged }
        }
        candidates = candidates.filter { $0.algorithm == token.algorithm }
        guard !candidates.isEmpty else { return .unknownKey }
        return candidates.prefix(Self.attempts).contains { $0.hasSigned(token) } ? .signed : .forged
    }
}
