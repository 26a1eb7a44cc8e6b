// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import PostgresStore
import TestSupport
import Testing

/// What a real server refuses, among the events of many publishers.
@Suite(.system, .timeLimit(.minutes(2))) struct RefusedByPostgresSystemTests {
    /// Longer than a row of an index may be, and not to be compressed. `EventValidator` refuses such keys; here they get past it.
    private static func tooLong(_ seed: UInt64) -> String {
        var dice = SplitMix(seed: seed)
        return (0..<400).map { _ in String(UInt64.random(in: .min ... .max, using: &dice), radix: 36) }.joined()
    }

    @Test func oneCulpritHoldsUpNobody() async throws {
        let (publishers, requests) = (24, 20)
        let tape = try await PostgresTape(url: try await PostgresServer.shared.makeSchema(), settings: .init())
        try await withHub(tape: tape) { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            let writer = hub.hub.writer
            let refused = try await withThrowingTaskGroup(of: Int.self) { group in
                for publisher in 0..<publishers {
                    group.addTask {
                        var refused = 0
                        for request in 0..<requests {
                            let isCulprit = publisher == 0
                            let id = "\(publisher)-\(request)"
                            let key = isCulprit ? Self.tooLong(UInt64(request)) : "k"
                            switch try await writer.append([.sample(id, on: "k"), .sample(id + "-b", on: key)]) {
                            case .committed: #expect(!isCulprit)
                            case .refused: refused += isCulprit ? 1 : requests
                            case .conflict: Issue.record("a conflict of \(id)")
                            }
                            #expect(hub.hub.isReady)
                        }
                        return refused
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(refused == requests)
            let committed = (publishers - 1) * requests * 2
            #expect(try await client.events(on: "note:k", through: committed) == Array(1...committed))
            let tally = await writer.tally
            #expect(tally.unfit == requests && tally.failures == 0 && tally.accepted == committed)
            #expect(!hub.hub.notice.isPaused)
        }
    }
}
