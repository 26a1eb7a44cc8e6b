// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// Random texts, the same at every run, that must be read or refused but never trap.
@Suite
struct MutationTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func mutatedTextIsReadOrRefused(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        var outcomes = Outcomes()
        for _ in 0..<250 {
            var bytes = Corpus.valid.randomElement(using: &random)?.bytes ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, using: &random) }
            outcomes.check(bytes)
        }
        #expect(outcomes.accepted > 0)
        #expect(outcomes.refused > 0)
        #expect(outcomes.accepted + outcomes.refused == 250)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func textOfFragmentsIsReadOrRefused(_ seed: UInt64) {
        var random = SplitMix(seed: seed &+ 1_000_000)
        var outcomes = Outcomes()
        for _ in 0..<500 {
            let count = Int.random(in: 1...6, using: &random)
            let text = (0..<count).map { _ in Corpus.fragments.randomElement(using: &random) ?? "" }.joined()
            outcomes.check(Array(text.utf8))
        }
        #expect(outcomes.accepted > 0)
        #expect(outcomes.refused > 0)
    }

    private func mutate(_ bytes: inout [UInt8], using random: inout SplitMix) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0 where place < bytes.count: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1 where place < bytes.count: bytes.remove(at: place)
        case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
        case 3: bytes.insert(contentsOf: (Corpus.fragments.randomElement(using: &random) ?? "").utf8, at: place)
        default: bytes.removeSubrange(place..<Int.random(in: place...bytes.count, using: &random))
        }
    }
}

/// Counts texts by outcome, and checks what must hold for either.
private struct Outcomes {
    private(set) var accepted = 0
    private(set) var refused = 0

    mutating func check(_ bytes: [UInt8]) {
        do {
            try checkAccepted(Value.parse(bytes))
            accepted += 1
        } catch {
            #expect(bytes.indices.contains(error.offset) || error.offset == bytes.count)
            #expect(!error.description.isEmpty)
            refused += 1
        }
    }

    private func checkAccepted(_ value: Value) throws(Fault) {
        var writer = Writer()
        rewrite(value, with: &writer)
        let whole = tokens(of: value)
        #expect(tokens(of: try Value.parse(writer.bytes)) == whole)
        #expect(tokens(of: try Value.parse(value.compacted())) == whole)
        #expect(String(validating: value.text, as: UTF8.self) != nil)
        let isAccepted = (try? JSONSerialization.jsonObject(with: Data(value.text), options: .fragmentsAllowed)) != nil
        #expect(isAccepted || hasNumberBeyondDouble(whole), "\(String(decoding: value.text, as: UTF8.self))")
    }

    /// Foundation refuses what overflows its numbers; that is why ours keep their text.
    private func hasNumberBeyondDouble(_ tokens: [String]) -> Bool {
        tokens.contains { token in
            token.first.map { $0 == "-" || $0.isNumber } == true && Double(token).map(\.isFinite) != true
        }
    }
}
