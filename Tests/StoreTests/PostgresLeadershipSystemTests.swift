// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@testable import PostgresStore

@Suite(.system, .timeLimit(.minutes(1)))
struct PostgresLeadershipSystemTests {
    @Test func oneIsAtWorkAtATime() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tapes = try await PostgresWorld.open(url, count: 2)
        let inside = Watched(0)
        let gate = Gate()
        gate.close()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for tape in tapes {
                group.addTask {
                    try await tape.withLeadership("fan-in") {
                        #expect(
                            inside.change {
                                $0 += 1; return $0
                            } == 1
                        )
                        await gate.pass()
                        inside.change { $0 -= 1 }
                    }
                }
            }
            group.addTask { try await tapes[0].withLeadership("other") {} }
            try await gate.waitForArrivals(1)
            try await group.next()
            gate.letOnePass()
            try await gate.waitForArrivals(2)
            gate.letOnePass()
            try await group.waitForAll()
        }
        for tape in tapes { await tape.close() }
    }

    /// Work is cancelled when the connection that holds the turn is ended.
    @Test func workEndsWithTheTurn() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema() + "&application_name=alone"
        let tape = try await PostgresWorld.open(url)
        let started = Watched(false)
        let fault = await withTaskGroup(of: TapeFault?.self) { group in
            group.addTask {
                await faultOf {
                    try await tape.withLeadership("fan-in") {
                        started.change { $0 = true }
                        try? await Watched(false).wait(for: "the cancellation", within: .seconds(60)) { $0 }
                    }
                }
            }
            group.addTask {
                _ = await faultOf {
                    try await started.wait(for: "the turn") { $0 }
                    try await server.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'alone'"
                    )
                }
                return nil
            }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        #expect(fault.isUnavailable())
        await tape.close()
    }

    /// Leads names until the body has ended; a fault is kept for the name.
    private static func leading(
        _ names: [String],
        on tape: PostgresTape,
        _ body: (_ led: Watched<Set<String>>, _ faults: Watched<[String: TapeFault]>) async throws -> Void
    ) async throws {
        let (led, faults) = (Watched(Set<String>()), Watched([String: TapeFault]()))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask {
                    let fault = await faultOf {
                        try await tape.withLeadership(name) {
                            led.change { _ = $0.insert(name) }
                            try? await Watched(false).wait(for: "the cancellation", within: .seconds(60)) { $0 }
                            led.change { _ = $0.remove(name) }
                        }
                    }
                    faults.change { $0[name] = fault }
                }
            }
            try await body(led, faults)
            group.cancelAll()
        }
    }

    /// The leaderships of a tape: connections and locks.
    private static func locks(of application: String) async throws -> String {
        try await PostgresServer.shared.execute(
            """
            SELECT count(DISTINCT pid) || ' ' || count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND application_name = '\(application)'
            """
        )
    }

    @Test func allNamesShareOneConnection() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tape = try await PostgresWorld.open(url + "&application_name=shared")
        let names = (1...5).map { "name \($0)" }
        try await Self.leading(names, on: tape) { led, _ in
            try await led.wait(for: "all names") { $0.count == 5 }
            #expect(try await Self.locks(of: "shared") == "1 5")
        }
        try await eventually("the end of the connection") { try await Self.locks(of: "shared") == "0 0" }
        await tape.close()
    }

    /// A name is free for another node as soon as its work has ended, while the others are still led.
    @Test func namesAreGivenUpOneByOne() async throws {
        let tapes = try await PostgresWorld.open(try await PostgresServer.shared.makeSchema(), count: 2)
        try await Self.leading(["a", "b"], on: tapes[0]) { led, _ in
            try await led.wait(for: "both names") { $0.count == 2 }
            try await tapes[0].withLeadership("c") {}
            try await tapes[1].withLeadership("c") {}
            #expect(led.value.count == 2)
        }
        for tape in tapes { await tape.close() }
    }

    /// A server grants a lock to its own session again; a process does not lead a name twice.
    @Test func nameIsLedOncePerProcess() async throws {
        let tape = try await PostgresWorld.open(try await PostgresServer.shared.makeSchema())
        let inside = Watched(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await tape.withLeadership("a") {
                        let count = inside.change { count in
                            count += 1
                            return count
                        }
                        #expect(count == 1)
                        await Task.yield()
                        inside.change { $0 -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        await tape.close()
    }

    /// All leaderships end with the connection, another node leads the names, and later ones use a new connection.
    @Test func connectionIsLostForAllNames() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema()
        let tape = try await PostgresWorld.open(url + "&application_name=lost")
        let other = try await PostgresWorld.open(url)
        try await Self.leading(["a", "b", "c"], on: tape) { led, faults in
            try await led.wait(for: "all names") { $0.count == 3 }
            _ = try await server.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
                WHERE locktype = 'advisory' AND application_name = 'lost' LIMIT 1
                """
            )
            try await Self.leading(["a", "b", "c"], on: other) { others, _ in
                try await others.wait(for: "the other node") { $0.count == 3 }
                try await faults.wait(for: "the end of all") { $0.count == 3 }
                #expect(led.value.isEmpty)
                #expect(faults.value.values.allSatisfy { Optional($0).isUnavailable() })
            }
        }
        try await tape.withLeadership("a") {}
        await tape.close()
        await other.close()
    }
}
