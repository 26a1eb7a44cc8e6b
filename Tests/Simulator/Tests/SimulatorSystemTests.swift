// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Simulated clusters, each from a seed. `make simulate` runs more of them.
@Suite(.serialized, .system, .timeLimit(.minutes(10)))
struct SimulatorSystemTests {
    private static func simulate(_ arguments: [String]) async throws -> Program.Record {
        var record: Program.Record?
        try await withFolder { folder in
            let limit: Duration = .seconds(240)
            record = try await Program.run(arguments, of: "broadtape-simulator", in: folder, within: limit)
        }
        return try #require(record)
    }

    @Test
    func fiveHundredSeedsKeepEveryPromise() async throws {
        let record = try await Self.simulate(["--seeds", "500"])
        #expect(record.status == 0, "\(record)")
        #expect(record.lines.last == "500 seeds, 0 failed")
    }

    @Test
    func aSeedReplaysExactly() async throws {
        let first = try await Self.simulate(["--seed", "7"])
        #expect(first.status == 0)
        #expect(first.lines.count > 10)
        #expect(first.lines.last?.contains("digest") == true)
        #expect(try await Self.simulate(["--seed", "7"]).output == first.output)
    }

    /// Messages that the network loses silently break a promise: the violation is found, shrunk and replayed.
    @Test
    func aBrokenPromiseIsShrunkToAShortTimeline() async throws {
        let record = try await Self.simulate(["--lose-messages", "--seeds", "20", "--stop"])
        #expect(record.status == 1, "\(record)")
        let begin = try #require(record.lines.firstIndex(of: "Necessary actions:"))
        let timeline = try #require(record.lines.firstIndex(of: "Timeline:"))
        #expect(timeline - begin < 15)
        #expect(record.lines[timeline...].contains { $0.contains("VIOLATION") })
        let again = try #require(record.lines.last).split(separator: " ").dropFirst(3).map(String.init)
        let replay = try await Self.simulate(again)
        #expect(replay.status == 1)
        #expect(record.lines[timeline...].dropFirst().dropLast().elementsEqual(replay.lines))
    }
}
