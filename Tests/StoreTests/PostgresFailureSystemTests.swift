// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization
import TestSupport
import Testing

@testable import PostgresStore

/// Connections and servers that go away.
@Suite(.system) struct PostgresFailureSystemTests {
    private let channel = ChannelName(type: "note", key: "a")

    private func head(_ tape: PostgresTape) async throws -> Int? {
        try await tape.extents(of: [self.channel])[self.channel]?.head
    }

    /// Appends numbered events one by one until stopped; keeps those that were acknowledged.
    private static func publish(
        _ tape: PostgresTape,
        _ log: Watched<Published>,
        on key: String
    ) async {
        var next = 0
        while !log.value.isEnded, !Task.isCancelled {
            let id = "\(key)-\(next)"
            do throws(TapeFault) {
                let outcomes = try await tape.append([[.sample(id, on: key, "common")]])
                guard case .committed(let receipts) = outcomes[0] else {
                    Issue.record("\(outcomes)")
                    return
                }
                log.change { log in
                    log.acknowledged[id] = receipts[0].positions
                    log.statuses[id, default: []].append(receipts[0].status)
                }
                next += 1
            } catch {
                // Retry: the id decides whether the event is already stored.
                log.change { $0.faults.append(error) }
                await Task.yield()
            }
        }
    }

    private struct Published: Sendable {
        var acknowledged: [String: [Position]] = [:]
        var statuses: [String: [Receipt.Status]] = [:]
        var faults: [TapeFault] = []
        var isEnded = false
    }

    /// A row whose number is none is a fault of the row, whatever is asked.
    @Test(arguments: ["9223372036854775807", "-9223372036854775808", "-1", "9007199254740992"])
    func numberOfADamagedRowIsDamage(_ number: String) async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema()
        let tape = try await PostgresTape(url: url, settings: .test())
        _ = try await tape.append([[.sample("1", on: "a")]])
        _ = try await server.execute("UPDATE channels SET first = \(number)", at: url)
        #expect(await faultOf { _ = try await tape.extents(of: [self.channel]) }.isDamaged(saying: number))
        let limit = PageLimit(entries: 9, bytes: .max)
        #expect(
            await faultOf { _ = try await tape.page(of: self.channel, after: 0, limit: limit) }.isDamaged(
                saying: number
            )
        )
        await tape.close()
    }

    /// The server's processes of our connections are ended again and again, wherever they happen to be.
    @Test func nothingIsLostOrDoubledWhenConnectionsAreKilled() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema() + "&application_name=killed"
        let tapes = try await PostgresWorld.open(url, count: 2)
        let log = Watched(Published())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (hub, tape) in tapes.enumerated() {
                group.addTask { await Self.publish(tape, log, on: "hub\(hub)") }
            }
            for round in 1...15 {
                _ = try await server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'killed'"
                )
                try await log.wait(for: "appends to continue") { $0.acknowledged.count >= round * 10 }
            }
            log.change { $0.isEnded = true }
            try await group.waitForAll()
        }
        try await PostgresWorld.check(url, holds: log.value.acknowledged)
        // Resolved inside the append, and reported with its real outcome.
        #expect(log.value.statuses.values.allSatisfy { $0 == [.accepted] })
        for tape in tapes { await tape.close() }
    }

    @Test func nothingIsLostOrDoubledWhenTheServerIsKilled() async throws {
        try await PostgresServer.with { server in
            let url = try await server.makeSchema()
            var settings = PostgresTape.Settings.test()
            settings.backoff = .milliseconds(5)...Duration.milliseconds(20)
            settings.settling = .milliseconds(50)
            let tape = try await PostgresWorld.open(url, settings)
            let log = Watched(Published())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await Self.publish(tape, log, on: "a") }
                for round in 1...3 {
                    try await log.wait(for: "appends to continue") { $0.acknowledged.count >= round * 50 }
                    await server.kill()
                    let before = log.value.faults.count
                    try await log.wait(for: "faults") { $0.faults.count > before + 10 }
                    try await server.start()
                }
                try await log.wait(for: "appends to continue") { $0.acknowledged.count >= 250 }
                log.change { $0.isEnded = true }
                try await group.waitForAll()
            }
            let head = try await tape.extents(of: [self.channel])[self.channel]?.head
            #expect(head == log.value.acknowledged.count)
            let rows = try await server.execute(
                "SELECT count(*), count(DISTINCT seq), max(seq), count(DISTINCT id) FROM events WHERE channel = 1",
                at: url
            )
            #expect(rows == "\(head ?? 0)|\(head ?? 0)|\(head ?? 0)|\(head ?? 0)")
            await tape.close()
        }
    }

    /// While it is known to be down nobody waits; when it is back it is found by itself.
    @Test func downIsToldAtOnceAndHeals() async throws {
        try await PostgresServer.with { server in
            let url = try await server.makeSchema()
            var settings = PostgresTape.Settings.test()
            settings.backoff = .milliseconds(20)...Duration.milliseconds(50)
            let tape = try await PostgresWorld.open(url, settings)
            _ = try await tape.append([[.sample("1", on: "a")]])
            #expect(try await self.head(tape) == 1)
            await server.stop()
            for _ in 1...3 {
                #expect(await faultOf { _ = try await tape.append([[.sample("2", on: "a")]]) }.isUnavailable())
                #expect(await faultOf { _ = try await self.head(tape) }.isUnavailable())
            }
            let time = await ContinuousClock().measure {
                for _ in 1...100 {
                    #expect(await faultOf { _ = try await tape.append([[.sample("2", on: "a")]]) }.isUnavailable())
                    #expect(await faultOf { _ = try await self.head(tape) }.isUnavailable())
                }
            }
            #expect(time < .seconds(2))
            try await server.start()
            try await eventually("appends") {
                await faultOf { _ = try await tape.append([[.sample("2", on: "a")]]) } == nil
            }
            try await eventually("reads") { (try? await self.head(tape)) == 2 }
            await tape.close()
        }
    }

    /// A server process that is suspended: every call times out, and after the first one nobody waits. The server may
    /// still execute what it received, so the outcome is reported as unknown; in the end each event is stored once.
    @Test func silenceHasAnEnd() async throws {
        try await PostgresServer.with { server in
            let url = try await server.makeSchema()
            var settings = PostgresTape.Settings.test()
            // Long enough to open the tape on a busy machine.
            settings.limit = .seconds(2)
            settings.connecting = .seconds(2)
            settings.settling = .seconds(1)
            settings.backoff = .milliseconds(20)...Duration.milliseconds(50)
            let tape = try await PostgresWorld.open(url, settings)
            _ = try await tape.append([[.sample("1", on: "a")]])
            #expect(try await self.head(tape) == 1)
            server.pause()
            let time = await ContinuousClock().measure {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        let fault = await faultOf { _ = try await tape.append([[.sample("2", on: "a")]]) }
                        guard case .outcomeUnknown = fault else {
                            Issue.record("\(fault as Any)")
                            return
                        }
                    }
                    for _ in 1...20 {
                        group.addTask { #expect(await faultOf { _ = try await self.head(tape) }.isUnavailable()) }
                    }
                }
            }
            #expect(time < .seconds(20))
            server.resume()
            try await eventually("appends") {
                await faultOf { _ = try await tape.append([[.sample("2", on: "a")]]) } == nil
            }
            try await eventually("reads") { (try? await self.head(tape)) == 2 }
            await tape.close()
        }
    }

    /// The way is cut while `COMMIT` is on it: the append settles itself on a new connection, and tells what is new.
    @Test(arguments: [true, false]) func lostCommitIsSettled(_ hasArrived: Bool) async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tape = try await PostgresWorld.open(url)
        _ = try await tape.append([[.sample("1", on: "a")]])
        let batch = PostgresBatch([[.sample("2", on: "a")]])
        if hasArrived { _ = try await tape.append([[.sample("2", on: "a")]]) }
        // As an attempt whose commit was not answered leaves it.
        let lost = Set(batch.items.joined().map(\.key))
        let ending = try await tape.appending.perform { session throws(PostgresFault) in
            var memory = tape.memory.withLock { $0 }
            memory.lost = lost
            return try PostgresAppend.run(batch, on: session, &memory)
        }
        guard case .settled(let outcomes, _) = ending, case .committed(let receipts) = outcomes[0] else {
            return #expect(Bool(false), "\(ending)")
        }
        #expect(receipts.map(\.status) == [.accepted])
        #expect(receipts.map { $0.positions.map(\.seq) } == [[2]])
        #expect(try await self.head(tape) == 2)
        await tape.close()
    }

    @Test func callsAfterClosingAreUnavailable() async throws {
        let tape = try await PostgresWorld.open(try await PostgresServer.shared.makeSchema())
        await tape.close()
        #expect(await faultOf { _ = try await tape.append([[.sample("1", on: "a")]]) }.isUnavailable(saying: "closed"))
        #expect(await faultOf { _ = try await self.head(tape) }.isUnavailable(saying: "closed"))
        #expect(
            await faultOf { _ = try await tape.prune(type: "note", acceptedBefore: .now, limit: 1) }
                .isUnavailable(saying: "closed")
        )
    }

    @Test func commitIsFinishedWhenTheCallerIsCancelled() async throws {
        let tape = try await PostgresWorld.open(try await PostgresServer.shared.makeSchema())
        for seq in 1...20 {
            let task = Task { try await tape.append([[.sample("\(seq)", on: "a")]]) }
            task.cancel()
            #expect(try await task.value.map(\.seqs) == [[[seq]]])
        }
        await tape.close()
    }

    @Test func missingEntryIsDamage() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema()
        let tape = try await PostgresWorld.open(url)
        _ = try await tape.append((1...3).map { [.sample("\($0)", on: "a")] })
        try await server.execute("DELETE FROM events WHERE seq = 2", at: url)
        let fault = await faultOf {
            _ = try await tape.page(of: self.channel, after: 0, limit: PageLimit(entries: 9, bytes: .max))
        }
        #expect(fault.isDamaged(saying: "note:a lacks number 2"))
        await tape.close()
    }

    @Test(arguments: [
        ("23505", true), ("40001", true), ("40P01", true), ("42P01", true), ("23514", true), ("57014", false),
    ])
    func races(_ state: String, _ isRace: Bool) {
        #expect(PostgresFault.refused(state: state, message: "m").isRace == isRace)
    }

    @Test(arguments: [
        ("57P03", true), ("53100", true), ("25006", true), ("28P01", true), ("08006", true), ("XX001", false),
        ("42703", false),
    ])
    func refusals(_ state: String, _ isPassing: Bool) {
        let text = "Postgres: m (SQLSTATE \(state))"
        let fault = PostgresFault.refused(state: state, message: "m").tapeFault
        #expect(fault == (isPassing ? .unavailable(text) : .damaged(text)))
        #expect(PostgresFault.refused(state: state, message: "m").storingFault == fault)
    }

    @Test(arguments: ["54000", "22021", "22003", "23514", "21000", "P0001", "44000"])
    func refusalsOfContent(_ state: String) {
        guard case .refused(let refusal) = PostgresFault.refused(state: state, message: "m").storingFault else {
            Issue.record("not a refusal: \(state)")
            return
        }
        #expect(refusal.kind.hasPrefix("SQLSTATE \(state), "))
        #expect(refusal.detail == "Postgres: m (SQLSTATE \(state))")
    }
}
