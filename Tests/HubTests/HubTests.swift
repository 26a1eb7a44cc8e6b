// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Reading, housekeeping and the end of a node.
@Suite(.timeLimit(.minutes(1))) struct HubTests {
    // MARK: - Retention

    private struct Kept {
        var hub: TestHub
        var clock: TapeClock
    }

    private func withClock(_ body: (Kept) async throws -> Void) async throws {
        let clock = TapeClock()
        var configuration = HubConfiguration.forTests
        configuration.types = EventTypes(declared: [
            EventType(name: "short", readers: .everyone, delivery: .every, retention: .seconds(60)),
            EventType(name: "long", readers: .everyone, delivery: .every, retention: .seconds(3_600)),
            EventType(name: "ever", readers: .everyone, delivery: .every),
        ])
        try await withHub(configuration, tape: MemoryTape(clock: { clock.now })) { hub in
            try await body(Kept(hub: hub, clock: clock))
        }
    }

    private func range(_ channel: String, of hub: TestHub) async throws -> [Int] {
        let name = try #require(ChannelName(parsing: channel))
        let extent = try #require(try await hub.tape.extents(of: [name])[name])
        return [extent.first, extent.head]
    }

    @Test func retentionIsThatOfTheType() async throws {
        try await self.withClock { kept in
            for type in ["short", "long", "ever"] {
                for _ in 0..<3 { try await kept.hub.publish(400, on: "\(type):k") }
            }
            kept.clock.now = kept.clock.now.advanced(by: .seconds(61))
            await kept.hub.hub.prune(now: kept.clock.now)
            #expect(try await self.range("short:k", of: kept.hub) == [1_200, 1_200])
            #expect(try await self.range("long:k", of: kept.hub) == [1, 1_200])
            kept.clock.now = kept.clock.now.advanced(by: .seconds(3_600))
            await kept.hub.hub.prune(now: kept.clock.now)
            #expect(try await self.range("long:k", of: kept.hub) == [1_200, 1_200])
            #expect(try await self.range("ever:k", of: kept.hub) == [1, 1_200])
        }
    }

    @Test func failedRoundLeavesTheOtherTypesTheirs() async throws {
        try await self.withClock { kept in
            try await kept.hub.publish(3, on: "long:k")
            try await kept.hub.publish(3, on: "short:k")
            kept.clock.now = kept.clock.now.advanced(by: .seconds(4_000))
            kept.hub.tape.fail(.prune, .before(.unavailable("x")), .before(.unavailable("x")))
            await kept.hub.hub.prune(now: kept.clock.now)
            await kept.hub.hub.prune(now: kept.clock.now)
            #expect(try await self.range("short:k", of: kept.hub) == [3, 3])
            #expect(try await self.range("long:k", of: kept.hub) == [3, 3])
        }
    }

    // MARK: - History

    @Test(
        arguments: [
            (nil, 2, [4, 5], 7), (3, 2, [4, 5], 7), (4, 10, [5, 6, 7], 7), (7, 10, [], 7),
        ] as [(Int?, Int, [Int], Int)]
    )
    func historyBeginsAtTheOldestRetained(after: Int?, limit: Int, seqs: [Int], head: Int) async throws {
        try await self.withClock { kept in
            let name = try #require(ChannelName(parsing: "short:k"))
            try await kept.hub.publish(3, on: "short:k")
            kept.clock.now = kept.clock.now.advanced(by: .seconds(61))
            try await kept.hub.publish(4, on: "short:k")
            await kept.hub.hub.prune(now: kept.clock.now)
            let page = try await kept.hub.hub.history(of: name, after: after, limit: limit).get()
            #expect(page.entries.map(\.seq) == seqs)
            #expect(page.extent.head == head)
        }
    }

    @Test(arguments: [(2, ErrorCode.cursorExpired), (0, .cursorExpired), (8, .cursorExpired)])
    func historyIsNotSilentlyCut(after: Int, code: ErrorCode) async throws {
        try await self.withClock { kept in
            let name = try #require(ChannelName(parsing: "short:k"))
            try await kept.hub.publish(3, on: "short:k")
            kept.clock.now = kept.clock.now.advanced(by: .seconds(61))
            try await kept.hub.publish(4, on: "short:k")
            await kept.hub.hub.prune(now: kept.clock.now)
            let result = await kept.hub.hub.history(of: name, after: after, limit: 10)
            let fault = #expect(throws: MessageFault.self) { try result.get() }
            #expect(fault?.code == code)
        }
    }

    @Test(
        arguments: [
            ("note:k", nil, nil), ("mine:k", nil, ErrorCode.notAuthenticated), ("nope:k", nil, .unknownType),
            ("mine:k", "k", nil), ("mine:k", "l", .forbidden), ("ops:k", "k", .forbidden),
        ] as [(String, String?, ErrorCode?)]
    )
    func readableTypeIsThatOfTheChannel(channel: String, subject: String?, code: ErrorCode?) async throws {
        try await withHub { hub in
            let name = try #require(ChannelName(parsing: channel))
            let principal = subject.map { Principal(subject: $0) }
            do throws(MessageFault) {
                let type = try hub.hub.readableType(of: name, by: principal)
                #expect(code == nil)
                #expect(type.name == name.type)
            } catch {
                #expect(error.code == code)
            }
        }
    }

    // MARK: - Life

    @Test func hubIsReadyWhileItRunsAndCommits() async throws {
        let tape = GatedTape(MemoryTape())
        let test = TestHub(.forTests, tape: tape, bus: InProcessBus(), loops: Loops.take(1))
        #expect(!test.hub.isReady)
        try await test.run { test in
            try await eventually("it is ready") { test.hub.isReady }
            try await test.publish("note:k")
            #expect(test.hub.isReady)
        }
        #expect(!test.hub.isReady)
        #expect(tape.log.isClosed)
    }

    @Test func tapeIsClosedAfterTheLastCommit() async throws {
        try await withHub { hub in
            hub.tape.appends.close()
            let events = try hub.events([("note:k", "{}")])
            let answer = Watched<Bool?>(nil)
            hub.hub.writer.submit(events) { result in
                answer.change { $0 = (try? result.get()) != nil }
            }
            try await hub.tape.appends.waitForArrivals(1)
            hub.hub.shutDown()
            try await hub.settle()
            #expect(!hub.tape.log.isClosed)
            hub.tape.appends.open()
            try await answer.wait(for: "the answer") { $0 != nil }
            #expect(answer.value == true)
        }
    }

    @Test func shuttingDownWaitsForWorkUnderWay() async throws {
        try await withHub { hub in
            hub.tokens.close()
            let client = try await hub.connect()
            try await client.send(#"{"op":"auth","token":"u"}"#)
            try await hub.tokens.waitForArrivals(1)
            hub.hub.shutDown()
            try await client.closing()
            try await hub.settle()
            #expect(!hub.tape.log.isClosed)
            await client.end()
            hub.tokens.open()
        }
    }
}
