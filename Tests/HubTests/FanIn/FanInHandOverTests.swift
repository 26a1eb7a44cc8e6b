// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Logging
import TestSupport
import Testing

/// Several nodes that share one fan-in, and their reports of silent sources.
@Suite(.timeLimit(.minutes(1))) struct FanInHandOverTests {
    private static func at(_ seconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: seconds * 1_000_000_000)
    }

    @Test func secondNodeTakesOverWhereTheFirstStopped() async throws {
        let (tape, store, source) = (SharedTape(), RecordingFanInStore(), ScriptedFanInSource())
        try await FanInTests.withFanIn(tape: tape, store: store, source: source, isFirst: false) { second in
            try await store.wait(for: "the second to lead") { $0.working == 1 }
            try await source.wait(forListeners: 1)
            try await FanInTests.withFanIn(tape: tape, store: store, source: source, isFirst: false) { ground in
                #expect(!(await ground.fanIn.tally.isLeading))
                for seq in 1...10 { source.send("rate.x", FanInTests.note("k", seq: seq)) }
                try await eventually("all is committed") { await second.fanIn.tally.events == 10 }
                #expect(await ground.fanIn.tally.messages == 0)
                // Leadership is lost; the next leader continues from the stored positions.
                store.revoke()
                try await store.wait(for: "another turn") { $0.turns == 2 && $0.working == 1 }
                try await eventually("somebody listens and leads") {
                    let leading = [await second.fanIn.tally.isLeading, await ground.fanIn.tally.isLeading]
                    return leading.count { $0 } == 1
                }
                #expect(store.value.marks["rate.x"]?.seq == 10)
            }
            // The first has gone: the second leads, if it does not yet.
            try await eventually("the second leads") { await second.fanIn.tally.isLeading }
            for seq in [10, 11, 13] { source.send("rate.x", FanInTests.note("k", seq: seq)) }
            try await eventually("what came again is known") {
                let tally = await second.fanIn.tally
                return tally.duplicates == 1 && tally.gaps == 1
            }
            let head = try await second.hub.hub.tape.extents(of: [FanInTests.channel])[FanInTests.channel]?.head
            #expect(head == 12)
        }
    }

    /// Both nodes receive everything for a moment: each event is stored once.
    @Test func hearingTheSameTwiceIsHarmless() async throws {
        let (tape, store, source) = (SharedTape(), RecordingFanInStore(), ScriptedFanInSource())
        let other = RecordingFanInStore()
        try await FanInTests.withFanIn(tape: tape, store: store, source: source) { here in
            try await FanInTests.withFanIn(tape: tape, store: other, source: source, isFirst: false) { there in
                try await source.wait(forListeners: 2)
                for seq in 1...200 { source.send("rate.x", FanInTests.note("k", seq: seq)) }
                try await eventually("both have it all") {
                    let counts = [await here.fanIn.tally.events, await there.fanIn.tally.events]
                    return counts == [200, 200]
                }
                let head = try await tape.extents(of: [FanInTests.channel])[FanInTests.channel]?.head
                #expect(head == 200)
            }
        }
    }

    /// The tape is away for a moment, and with it the turn: what is in hand and what comes meanwhile is kept.
    @Test func turnThatComesBackLosesNothing() async throws {
        try await FanInTests.withFanIn { ground in
            ground.hub.tape.appends.close()
            ground.source.send("rate.x", FanInTests.note("k", seq: 1))
            try await ground.hub.tape.appends.waitForArrivals(1)
            for seq in 2...5 { ground.source.send("rate.x", FanInTests.note("k", seq: seq)) }
            try await ground.source.wait(forReceived: 5)
            ground.hub.tape.fail(.append, .before(.unavailable("x")), .before(.unavailable("x")))
            ground.store.fail(.unavailable("x"))
            ground.store.revoke()
            // The append under way has ended the hard way by now or fails as soon as it may.
            ground.hub.tape.appends.open()
            try await ground.store.wait(for: "the turn to end") { $0.working == 0 }
            for seq in 6...9 { ground.source.send("rate.x", FanInTests.note("k", seq: seq)) }
            try await ground.source.wait(forReceived: 9)
            ground.store.fail(nil)
            try await ground.store.wait(for: "the next turn") { $0.turns >= 2 }
            try await eventually("all is committed") { await ground.fanIn.tally.events == 9 }
            let tally = await ground.fanIn.tally
            #expect([tally.gaps, tally.duplicates, tally.abandoned] == [0, 0, 0])
        }
    }

    @Test func nodeThatDoesNotGetItsTurnBackLetsGo() async throws {
        try await FanInTests.withFanIn { ground in
            ground.hub.tape.appends.close()
            ground.source.send("rate.x", FanInTests.note("k", seq: 1))
            try await ground.hub.tape.appends.waitForArrivals(1)
            for seq in 2...5 { ground.source.send("rate.x", FanInTests.note("k", seq: seq)) }
            try await ground.source.wait(forReceived: 5)
            ground.hub.tape.fail(.append, .before(.unavailable("x")))
            ground.store.fail(.unavailable("x"))
            ground.store.revoke()
            try await ground.store.wait(for: "the end to be asked for") { $0.turns == 1 }
            ground.hub.tape.appends.letOnePass()
            // Whether it is one more attempt or none depends on when the end is noticed.
            ground.hub.tape.appends.open()
            try await eventually("it no longer leads") { !(await ground.fanIn.tally.isLeading) }
            await ground.fanIn.updateStaleSources(now: Timestamp.now.advanced(by: .seconds(31)))
            try await ground.source.wait(forListeners: 0)
            let tally = await ground.fanIn.tally
            #expect(tally.events + tally.abandoned == 5)
        }
    }

    @Test func shuttingDownSettlesWhatIsInHand() async throws {
        let tape = SharedTape()
        try await FanInTests.withFanIn(tape: tape) { ground in
            ground.hub.tape.appends.close()
            for seq in 1...50 { ground.source.send("rate.x", FanInTests.note("k", seq: seq)) }
            try await ground.source.wait(forReceived: 50)
            ground.hub.hub.shutDown()
            ground.hub.tape.appends.open()
            try await ground.store.wait(for: "the last mark") { $0.marks["rate.x"]?.seq == 50 && $0.working == 0 }
        }
        #expect(try await tape.extents(of: [FanInTests.channel])[FanInTests.channel]?.head == 50)
    }

    @Test func shuttingDownWhileTheTapeIsAwayEnds() async throws {
        try await FanInTests.withFanIn {
            $0.fanIn.gatheredBytes = 2_000
        } _: { ground in
            ground.hub.tape.failAlways(.append, with: .before(.unavailable("x")))
            for seq in 1...50 { ground.source.send("rate.x", FanInTests.note("k", seq: seq)) }
            try await eventually("it is tried") { await ground.fanIn.tally.retries > 2 }
            ground.hub.hub.shutDown()
            try await ground.store.wait(for: "the end") { $0.working == 0 }
            try await eventually("leadership is released") { await ground.fanIn.tally.abandoned > 0 }
            #expect(await ground.fanIn.tally.events == 0)
        }
    }

    // MARK: - Silence

    @Test func subscribersOfEveryNodeAreToldOfSilence() async throws {
        let (tape, store, source) = (SharedTape(), RecordingFanInStore(), ScriptedFanInSource())
        try await FanInTests.withFanIn(tape: tape, store: store, source: source) { leader in
            try await FanInTests.withFanIn(tape: tape, store: store, source: source, isFirst: false) { other in
                var clients: [TestClient] = []
                for hub in [leader.hub, other.hub] {
                    for channel in ["note:k", "price:k"] {
                        let client = try await hub.connect()
                        try await client.subscribe(channel, #""since":0"#)
                        clients.append(client)
                    }
                }
                source.send("rate.x", FanInTests.note("k", seq: 1))
                try await store.wait(for: "the mark") { $0.marks["rate.x"] != nil }
                let later = Timestamp.now.advanced(by: .seconds(60))
                for ground in [leader, other] { await ground.fanIn.updateStaleSources(now: later) }
                for client in [clients[0], clients[2]] {
                    let beat = try #require(try await client.expect(1, "heartbeat").first)
                    #expect(beat["stale"]?.elements.map(\.string) == ["rate.x"])
                    #expect(beat["paused"] == nil)
                }
                #expect(await leader.fanIn.tally.stale == 1)
                source.send("rate.x", FanInTests.note("k", seq: 2))
                try await eventually("it is heard again") {
                    await leader.fanIn.updateStaleSources(now: .now)
                    return leader.hub.hub.notice.isClear
                }
                for client in clients[0...0] {
                    #expect(try await client.expect(2, "heartbeat").last?["stale"] == nil)
                }
                #expect(clients[1].messages("heartbeat").isEmpty)
                #expect(clients[3].messages("heartbeat").isEmpty)
            }
        }
    }

    @Test func sourceThatWasSilentBeforeTheStartIsStaleAtOnce() async throws {
        let store = RecordingFanInStore()
        store.put([
            SourceMark(source: "old", seq: 4, heard: Timestamp.now.advanced(by: .seconds(-40)), types: ["note"]),
            SourceMark(source: "new", seq: 4, heard: .now, types: ["note"]),
            SourceMark(source: "gone", seq: 4, heard: Self.at(0), types: ["note"]),
        ])
        try await FanInTests.withFanIn(store: store) { ground in
            try await eventually("it leads") { await ground.fanIn.tally.isLeading }
            #expect(ground.hub.hub.notice.stale == ["note": ["old"]])
            try await store.wait(for: "the oldest to be forgotten") { $0.marks["gone"] == nil }
        }
    }

    @Test func silenceWhileTheSourceIsHeldBackIsNotItsFault() async throws {
        let clock = TapeClock()
        clock.now = Self.at(1_000)
        let (store, source) = (RecordingFanInStore(), ScriptedFanInSource())
        try await withHub { hub in
            let told = Watched<[[StaleSource]]>([])
            var limits = FanIn.Limits()
            limits.rules = .forTests()
            limits.retry = .milliseconds(1) ... .milliseconds(2)
            limits.keeping = .seconds(1_000)
            let fanIn = FanIn(
                source: source,
                store: store,
                publisher: hub.hub.publisher,
                limits: limits,
                logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() },
                onStale: { stale in told.change { $0.append(stale) } },
                now: { clock.now }
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await fanIn.run() }
                try await source.wait(forListeners: 1)
                source.send("rate.x", FanInTests.note("k", seq: 1))
                try await eventually("it is committed") { await fanIn.tally.events == 1 }
                hub.tape.failAlways(.append, with: .before(.unavailable("x")))
                source.send("rate.x", FanInTests.note("k", seq: 2))
                try await eventually("it is held up") { await fanIn.tally.retries > 0 }
                clock.now = Self.at(1_100)
                await fanIn.updateStaleSources(now: clock.now)
                #expect(await fanIn.tally.stale == 0)
                hub.tape.heal()
                try await eventually("it is committed") { await fanIn.tally.events == 2 }
                clock.now = Self.at(1_129)
                await fanIn.updateStaleSources(now: clock.now)
                #expect(await fanIn.tally.stale == 0)
                clock.now = Self.at(1_131)
                await fanIn.updateStaleSources(now: clock.now)
                #expect(told.value.last == [StaleSource(name: "rate.x", types: ["note"])])
                group.cancelAll()
            }
        }
    }
}
