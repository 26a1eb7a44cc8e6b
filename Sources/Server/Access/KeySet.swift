// SPDX-License-Identifier: Apache-2.0

import JSON

/// Keys of all those who issue tokens for the hub.
package struct KeySet: Sendable {
    enum Outcome: Equatable {
        case signed
        /// There are keys it could be signed with, and it is with none of them.
        case forged
        /// There is none that it could be signed with.
        case unknownKey
    }

    /// Keys tried for one token: what a token without `kid` may cost.
    private static let attempts = 8

    package var keys: [VerificationKey]
    /// What is wrong with keys that were left out and should not have been there.
    package internal(set) var unfit: [String] = []

    package init(_ keys: [VerificationKey] = []) {
        self.keys = keys
    }

    /// Checks a signature with the keys of the token's `kid`, else with those that have none; a token without `kid`
    /// is tried with all keys of its algorithm, up to eight.
    func check(_ token: CompactToken) -> Outcome {
        var candidates = self.keys
        if let id = token.keyID {
            let named = candidates.filter { $0.id?.hasSameBytes(as: id) == true }
            candidates = named.isEmpty ? candidates.filter { $0.id == nil } : named
            // A key is for its own algorithm: a token cannot have a public key taken for a secret.
            if !named.isEmpty, !named.contains(where: { $0.algorithm == token.algorithm }) { return .forged }
        }
        candidates = candidates.filter { $0.algorithm == token.algorithm }
        guard !candidates.isEmpty else { return .unknownKey }
        return candidates.prefix(Self.attempts).contains { $0.hasSigned(token) } ? .signed : .forged
    }
}
