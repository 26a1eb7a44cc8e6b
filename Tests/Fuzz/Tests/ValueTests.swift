// SPDX-License-Identifier: Apache-2.0

import FuzzTargets
import JSON
import TestSupport
import Testing

/// Valid documents with hostile values in them, read as they come in.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ValueTests {
    /// For each target and seed.
    private static let inputs = 1_500

    private static let targets: [(FuzzTarget, examples: String, member: String?)] = [
        (.events, "events", nil), (.messages, "messages", nil), (.feeds, "feeds", "json"),
        (.claims, "tokens", "claims"), (.json, "requests", nil),
    ]

    @Test(arguments: Self.targets.indices, 1...2 as ClosedRange<UInt64>)
    func mutatedDocumentsAreReadAsTheyMust(_ index: Int, _ seed: UInt64) throws {
        let (target, name, member) = Self.targets[index]
        let examples = try HostileValues.examples(name).compactMap { example in
            member.map { example[$0] } ?? example
        }
        try #require(!examples.isEmpty)
        var mutator = ValueMutator(try HostileValues(), seed: seed)
        var parsed = 0
        for number in 0..<Self.inputs {
            guard let example = mutator.pick(examples) else { return }
            let document = mutator.mutated(example)
            if (try? JSON.Value.parse(document)) != nil { parsed += 1 }
            do {
                // The first byte says how bytes are cut, which makes no difference here.
                try target.run([0] + document)
            } catch {
                let text = String(decoding: document.prefix(2_000), as: UTF8.self)
                Issue.record("\(target): \(error); input \(number): \(text)")
                return
            }
        }
        // Otherwise the readers have seen nothing.
        #expect(parsed > Self.inputs / 2)
    }
}
