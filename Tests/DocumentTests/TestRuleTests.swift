// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Rules that the tests themselves keep.
struct TestRuleTests {
    private struct Rule: Sendable {
        var pattern: @Sendable () -> Regex<Substring>
        /// Where it may be.
        var places: Set<String>
        var advice: String
    }

    private static let rules = [
        Rule(
            pattern: { #/\bProcess\(|\bposix_spawn|\bfork\(/# },
            places: ["Tests/TestSupport/Programs/ChildProcess.swift"],
            advice: "use `Program`"
        ),
        Rule(
            pattern: { #/\bTask\.sleep|\busleep\(/# },
            places: [
                "Tests/TestSupport/Watched.swift", "Tests/TestSupport/Servers/PostgresProgram.swift",
                // Not a wait: the rate at which events are due.
                "Tests/System/Command/SlowSubscriberTests.swift",
                // Virtual time.
                "Tests/Simulator/Program/Cluster.swift", "Tests/Simulator/Program/SimulatedSource.swift",
                "Tests/Simulator/Program/SimulatedStore.swift",
            ],
            advice: "wait for a condition: `Watched`, `Gate` or `eventually`"
        ),
    ]

    @Test(arguments: rules.indices)
    func areKept(_ index: Int) {
        let (pattern, advice) = (Self.rules[index].pattern(), Self.rules[index].advice)
        var places = Self.rules[index].places
        for file in SourceTree.present.files where file.path.hasPrefix("Tests/") {
            // This file names what it looks for.
            guard !file.path.hasSuffix("/TestRuleTests.swift"),
                let line = file.lines.firstIndex(where: { $0.contains(pattern) }),
                places.remove(file.path) == nil
            else { continue }
            Issue.record("\(file.path):\(line + 1): \(file.lines[line])\n    \(advice)")
        }
        #expect(places.isEmpty, "needs no exemption any more: \(places.sorted())")
    }

    /// The two runs of `make test` are each other's complement, and divide at the name that `.system` demands.
    @Test func everySuiteIsInOneOfTheTwoRuns() throws {
        let makefile = try String(contentsOf: Document.root.appending(path: "Makefile"), encoding: .utf8)
        for line in [
            "\nSYSTEM := SystemTests\n", " swift test --skip-build --parallel --skip $(SYSTEM)\n",
            " swift test --skip-build --no-parallel --filter $(SYSTEM)\n",
        ] {
            #expect(makefile.contains(line), "\(line)")
        }
    }
}
