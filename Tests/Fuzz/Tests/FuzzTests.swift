// SPDX-License-Identifier: Apache-2.0

import FuzzTargets
import Testing

/// Every corpus input, and a fixed number of mutated inputs. `make fuzz` runs longer.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct FuzzTests {
    /// For each target and seed.
    private static let inputs = 400

    @Test(arguments: FuzzTarget.allCases)
    func theCorpusIsReadAsItMust(_ target: FuzzTarget) throws {
        let corpus = try Corpus.inputs(of: target)
        #expect(corpus.count >= 3)
        for (name, bytes) in corpus {
            #expect(throws: Never.self, "\(target.rawValue)/\(name)") { try target.run(bytes) }
        }
    }

    /// A trap ends the whole run: the test's arguments say which inputs to look at.
    @Test(arguments: FuzzTarget.allCases, 1...3 as ClosedRange<UInt64>)
    func mutantsAreReadAsTheyMust(_ target: FuzzTarget, _ seed: UInt64) throws {
        var mutator = Mutator(try Corpus.inputs(of: target).map(\.bytes), seed: seed)
        for number in 0..<Self.inputs {
            let input = mutator.next()
            do {
                try target.run(input)
            } catch {
                let text = input.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
                Issue.record("\(error); input \(number): \(text)")
                return
            }
        }
    }
}
