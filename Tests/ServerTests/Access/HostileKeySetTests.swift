// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

@testable import Server

/// Key sets with hostile values in them: they are read or refused, and tokens are checked with what is read.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct HostileKeySetTests {
    @Test(arguments: 0..<2 as Range<UInt64>)
    func mutatedSets(_ seed: UInt64) async throws {
        var examples: [JSON.Value] = []
        var tokens: [String] = []
        for kind in Issuer.Kind.allCases {
            let issuer = try await Issuer(kind, id: "k")
            examples.append(try JSON.Value.parse(Issuer.set(issuer)))
            tokens.append(try await issuer.token())
        }
        var mutator = ValueMutator(try HostileValues(), seed: seed)
        var read = 0
        for _ in 0..<900 {
            guard let example = mutator.pick(examples) else { return }
            guard let set = try? await KeySet(jwks: mutator.mutated(example)) else { continue }
            read += 1
            let keys = TokenKeys(secret: nil, keys: set.keys)
            for token in tokens { _ = keys.verdict(on: token) }
        }
        #expect(read > 40)
    }
}
