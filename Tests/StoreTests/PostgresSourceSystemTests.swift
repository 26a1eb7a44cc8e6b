// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@testable import PostgresStore

/// Sources that take their steps through connections that are lost.
@Suite(.system) struct PostgresSourceSystemTests {
    private static let source = "chain:a"

    /// A counter: each step appends the event with the next number and stores that number. After a failure it reads its
    /// checkpoint again, as sources do.
    private static func count(_ tape: PostgresTape, to end: Int, _ reached: Watched<Int>) async throws {
        while true {
            do throws(TapeFault) {
                let state = try await tape.state(of: Self.source, prefix: "n")
                let last = state.entries.first.flatMap { Int(String(decoding: $0.value, as: UTF8.self)) } ?? 0
                guard last < end else { return }
                let next = String(last + 1)
                var step = SourceStep(source: Self.source, version: state.version)
                step.puts = [SourceEntry(name: "n", value: Array(next.utf8))]
                guard case .committed = try await tape.append([.sample(next, on: "k")], with: step) else { continue }
                reached.change { $0 = max($0, last + 1) }
            } catch {
                await Task.yield()
            }
        }
    }

    /// Two counters at once, although only one is allowed at a time: each number is still stored once, and in order.
    @Test func stepsAreTakenOnceWhenConnectionsAreKilled() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema() + "&application_name=steps"
        let tapes = try await PostgresWorld.open(url, count: 2)
        let (end, reached) = (300, Watched(0))
        let killed = try await withThrowingTaskGroup(of: Void.self) { group in
            var killed = 0
            for tape in tapes {
                group.addTask { try await Self.count(tape, to: end, reached) }
            }
            for round in 1...10 {
                try await reached.wait(for: "steps to continue") { $0 >= round * 25 }
                let rows = try await server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'steps'"
                )
                killed += rows.split(separator: "\n").count { $0 == "t" }
            }
            try await group.waitForAll()
            return killed
        }
        #expect(killed >= 20)
        try await PostgresWorld.check(url)
        let rows = try await server.execute(
            "SELECT string_agg(convert_from(id, 'UTF8'), ' ' ORDER BY seq) FROM events",
            at: url
        )
        #expect(rows == (1...end).map(String.init).joined(separator: " "))
        for tape in tapes { await tape.close() }
    }
}
