// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// The tape is away, slow or unclear about what it did; the bus is cut.
@Suite(.timeLimit(.minutes(1))) struct OutageTests {
    private static let away = GatedTape.Failure.before(.unavailable("away"))

    private func failedAppend(on hub: TestHub, _ channel: String = "note:z") async throws {
        let events = try hub.events([(channel, "{}")])
        await #expect(throws: AppendFault.self) { try await hub.hub.writer.append(events) }
    }

    // MARK: - Telling

    @Test func everyoneIsToldWhenCommitsStopAndWhenTheyGoOn() async throws {
        try await withHub(loops: 2) { hub in
            let clients = try await [hub.connect(on: 0), hub.connect(on: 1)]
            try await clients[0].subscribe("note:k")
            hub.tape.fail(.append, Self.away, Self.away)
            try await self.failedAppend(on: hub)
            for client in clients {
                #expect(try await client.expect(1, "heartbeat").map { $0["paused"]?.bool } == [true])
            }
            try await self.failedAppend(on: hub)
            let late = try await hub.connect(on: 1)
            try await late.subscribe("note:k", #""since":0"#)
            try await late.expect(1, "heartbeat")
            await hub.tick(Timestamp.now.advanced(by: .seconds(200)))
            for client in clients {
                #expect(try await client.expect(2, "heartbeat").map { $0["paused"]?.bool } == [true, true])
            }
            try await hub.publish("note:k")
            for client in clients {
                #expect(try await client.expect(3, "heartbeat").last?["paused"] == nil)
            }
            #expect(clients[0].transport.record.pings == 1)
            #expect(hub.hub.isReady)
        }
    }

    /// Many sessions are notified in small groups.
    @Test func everyOneOfManyIsTold() async throws {
        try await withHub { hub in
            var clients: [TestClient] = []
            for _ in 0..<600 { clients.append(try await hub.connect()) }
            hub.tape.fail(.append, Self.away)
            try await self.failedAppend(on: hub)
            for client in clients { try await client.expect(1, "heartbeat") }
            try await hub.publish("note:k")
            for client in clients {
                #expect(try await client.expect(2, "heartbeat").map { $0["paused"]?.bool } == [true, nil])
            }
        }
    }

    // MARK: - Probing

    @Test func tapeThatCannotBeReadIsNoticedAndItsReturnToo() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await eventually("it is ready") { hub.hub.isReady }
            hub.tape.failAlways(.probe, with: Self.away)
            await hub.hub.probeTape()
            #expect(hub.hub.isReady)
            await hub.hub.probeTape()
            #expect(!hub.hub.isReady)
            #expect(try await client.expect(1, "heartbeat").first?["paused"]?.bool == true)
            hub.tape.heal()
            await hub.hub.probeTape()
            #expect(hub.hub.isReady)
            #expect(try await client.expect(2, "heartbeat").last?["paused"] == nil)
        }
    }

    /// It does not pass, so nobody is kept waiting for a second failure.
    @Test func damagedTapeIsNoticedAtOnce() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await eventually("it is ready") { hub.hub.isReady }
            hub.tape.failAlways(.probe, with: .before(.damaged("deleted")))
            await hub.hub.probeTape()
            #expect(hub.hub.unreadiness == .databaseDamaged)
            #expect(hub.hub.trouble == "deleted")
            #expect(try await client.expect(1, "heartbeat").first?["paused"]?.bool == true)
            hub.tape.failAlways(.probe, with: Self.away)
            await hub.hub.probeTape()
            #expect(hub.hub.unreadiness == .databaseUnavailable)
            #expect(hub.hub.trouble == "away")
            hub.tape.heal()
            await hub.hub.probeTape()
            #expect(hub.hub.unreadiness == nil)
            #expect(hub.hub.trouble == "")
        }
    }

    /// Retries of stored events need no disk space.
    @Test func duplicatesDoNotEndAPause() async throws {
        try await withHub { hub in
            try await eventually("it is ready") { hub.hub.isReady }
            let events = try hub.events([("note:k", "{}")])
            _ = try await hub.hub.writer.append(events)
            hub.tape.fail(.append, .before(.unavailable("full")))
            try await self.failedAppend(on: hub)
            _ = try await hub.hub.writer.append(events)
            #expect(hub.hub.unreadiness == .databaseUnavailable)
            try await hub.publish("note:k")
            #expect(hub.hub.isReady)
        }
    }

    @Test func nodeProbesByItself() async throws {
        var configuration = HubConfiguration.forTests
        configuration.probe = .milliseconds(5)
        try await withHub(configuration) { hub in
            hub.tape.failAlways(.probe, with: Self.away)
            try await eventually("it is not ready") { !hub.hub.isReady }
            hub.tape.heal()
            try await eventually("it is ready again") { hub.hub.isReady }
        }
    }

    // MARK: - What works without the tape

    @Test func ringIsReadWhileTheTapeIsAway() async throws {
        try await withHub { hub in
            let live = try await hub.connect()
            try await live.subscribe("note:k")
            try await hub.publish(20, on: "note:k")
            hub.tape.failAlways(.append, .page, .latest, .extents, .probe, with: Self.away)
            try await self.failedAppend(on: hub, "note:k")
            let late = try await hub.connect()
            try await late.subscribe("note:k", #""since":5"#)
            #expect(try await late.events(on: "note:k", through: 20) == Array(6...20))
            try await late.expect(1, "caughtUp")
            let other = try await hub.connect()
            try await other.subscribe("note:k")
            try await other.send(#"{"op":"subscribe","id":9,"channel":"note:unopened"}"#)
            let refusal = try await other.answer(9, op: "error")
            #expect(refusal["code"]?.string == "unavailable")
            #expect(refusal["action"]?.string == "retry")
            try await other.send(#"{"op":"history","id":10,"channel":"note:k"}"#)
            #expect(try await other.answer(10, op: "error")["code"]?.string == "unavailable")
            #expect([live, late, other].allSatisfy { !$0.isClosed })
            hub.tape.heal()
            #expect(try await hub.publish("note:k") == 21)
            for client in [live, late, other] { try await client.events(on: "note:k", through: 21) }
            try await other.subscribe("note:unopened")
        }
    }

    /// A subscription that needs the tape waits for it, and is not forgotten.
    @Test func replayGoesOnWhenTheTapeIsBack() async throws {
        var configuration = HubConfiguration.forTests
        configuration.ringBytes = 0
        try await withHub(configuration) { hub in
            let live = try await hub.connect()
            try await live.subscribe("note:k")
            for _ in 1...30 { try await hub.publish("note:k") }
            hub.tape.failAlways(.append, .page, with: Self.away)
            let late = try await hub.connect()
            try await late.subscribe("note:k", #""since":0"#)
            try await self.failedAppend(on: hub)
            try await late.expect(1, "heartbeat")
            let before = hub.tape.log.pages.count
            for _ in 1...4 {
                await hub.tick()
                try await hub.settle()
            }
            // Not every second while nothing is available.
            #expect(hub.tape.log.pages.count <= before + 1)
            hub.tape.heal()
            try await hub.publish("note:k")
            try await eventually("it has caught up") {
                await hub.tick()
                return late.transport.record.events(on: "note:k").last == 31
            }
            #expect(late.transport.record.events(on: "note:k") == Array(1...31))
        }
    }

    // MARK: - A slow tape

    @Test func requestThatWaitsTooLongIsRefusedWithoutBeingBegun() async throws {
        var configuration = HubConfiguration.forTests
        configuration.writer.patience = .milliseconds(50)
        try await withHub(configuration) { hub in
            let answers = Watched<[Result<AppendOutcome, AppendFault>]>([])
            let events = try hub.events([("note:k", "{}")])
            var submitted = 0
            hub.tape.appends.close()
            // On a busy machine the first may wait for too long as well; one is begun in the end.
            try await eventually("an append is under way") {
                submitted += 1
                hub.hub.writer.submit(events) { result in answers.change { $0.append(result) } }
                try await hub.settle()
                return hub.tape.appends.arrivals == 1
            }
            for _ in 1...3 {
                submitted += 1
                hub.hub.writer.submit(events) { result in answers.change { $0.append(result) } }
            }
            try await answers.wait(for: "three refusals") { $0.count >= 3 }
            try await eventually("nothing waits") { await hub.hub.writer.tally.waitingBytes == 0 }
            #expect(answers.value.allSatisfy { $0 == .failure(.overloaded) })
            #expect(await hub.hub.writer.tally.refusals == answers.value.count)
            hub.tape.appends.open()
            let total = submitted
            try await answers.wait(for: "the rest") { $0.count == total }
            #expect(answers.value.contains { (try? $0.get()) != nil })
            // No rejected event is stored on the tape.
            #expect(await hub.hub.writer.tally.accepted == 1)
            try await eventually("it continues") { (try? await hub.hub.writer.append(events)) != nil }
        }
    }

    @Test func severalRequestsShareTheFateOfOneTransaction() async throws {
        try await withHub { hub in
            _ = try await hub.hub.writer.append([Event.sample("a", on: "k")])
            let requests = [
                [Event.sample("b", on: "k")], [Event.sample("a", on: "k", data: "{}")], [Event.sample("c", on: "k")],
            ]
            hub.tape.fail(.append, Self.away)
            await #expect(throws: AppendFault.self) { try await hub.hub.writer.append(requests) }
            let outcomes = try await hub.hub.writer.append(requests)
            #expect(outcomes.count == 3)
            #expect(outcomes[1] == .conflict(items: [0]))
            #expect(hub.tape.log.batches == [1, 3, 3])
        }
    }

    // MARK: - Unknown outcomes

    /// Nobody sends them again, no other node tells: the hub looks for itself.
    @Test func eventsOfAnUnknownOutcomeAreFoundOnTheTape() async throws {
        try await withHub(loops: 2) { hub in
            let client = try await hub.connect(on: 1)
            try await client.subscribe("note:k")
            hub.tape.fail(.append, .after(.outcomeUnknown("lost")))
            try await self.failedAppend(on: hub, "note:k")
            hub.tape.fail(.extents, Self.away)
            await hub.hub.refreshDoubted()
            await hub.hub.refreshDoubted()
            #expect(try await client.events(on: "note:k", through: 1) == [1])
            // The other end may still have been at it: it is looked at again.
            let before = hub.tape.log.extents.count
            await hub.hub.refreshDoubted()
            #expect(hub.tape.log.extents.count == before + 1)
        }
    }

    @Test func unknownOutcomeIsLookedIntoByItself() async throws {
        var configuration = HubConfiguration.forTests
        configuration.pollWhileCut = .milliseconds(5)
        try await withHub(configuration) { hub in
            let client = try await hub.connect()
            try await client.subscribe("price:k")
            hub.tape.fail(.append, .after(.outcomeUnknown("lost")))
            try await self.failedAppend(on: hub, "price:k")
            #expect(try await client.events(on: "price:k", through: 1) == [1])
        }
    }

    // MARK: - The bus is cut

    @Test func commitsOfOtherNodesAreFoundWhileTheBusIsCut() async throws {
        let (tape, bus) = (SharedTape(), ScriptedBus())
        var configuration = HubConfiguration.forTests
        configuration.pollWhileCut = .milliseconds(5)
        bus.setReach(.cut)
        try await withHub(configuration, tape: tape, bus: bus) { here in
            try await withHub(tape: tape) { there in
                let client = try await here.connect()
                try await client.subscribe("note:k")
                // In memory without a subscriber: nobody needs its head.
                try await client.subscribe("note:left")
                try await client.send(#"{"op":"unsubscribe","channel":"note:left"}"#)
                try await client.expect(1, "unsubscribed")
                for count in 1...3 {
                    try await there.publish(2, on: "note:k")
                    #expect(try await client.events(on: "note:k", through: 2 * count) == Array(1...2 * count))
                }
                let asked = here.tape.log.extents.suffix(2)
                #expect(asked.allSatisfy { $0.map(\.description) == ["note:k"] })
                bus.setReach(.connected)
            }
        }
    }

    @Test func slowTapeIsNotAskedTwiceAtOnce() async throws {
        let bus = ScriptedBus()
        var configuration = HubConfiguration.forTests
        configuration.pollWhileCut = .milliseconds(1)
        try await withHub(configuration, bus: bus) { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            hub.tape.extents.close()
            bus.setReach(.cut)
            let before = hub.tape.extents.arrivals
            try await hub.tape.extents.waitForArrivals(before + 1)
            for _ in 0..<50 { try await hub.settle() }
            #expect(hub.tape.extents.arrivals == before + 1)
            bus.setReach(.connected)
            hub.tape.extents.open()
        }
    }

    @Test(arguments: [true, false])
    func missedMessagesAreLookedForAsSoonAsTheBusIsBack(isTold: Bool) async throws {
        let (tape, bus) = (SharedTape(), ScriptedBus())
        var configuration = HubConfiguration.forTests
        configuration.pollWhileCut = .milliseconds(5)
        try await withHub(configuration, tape: tape, bus: bus) { here in
            try await withHub(tape: tape) { there in
                let client = try await here.connect()
                try await client.subscribe("note:k")
                here.tape.failAlways(.extents, with: Self.away)
                if !isTold {
                    bus.setReach(.cut)
                    let before = here.tape.extents.arrivals
                    try await here.tape.extents.waitForArrivals(before + 2)
                }
                try await there.publish(3, on: "note:k")
                bus.setReach(.connected)
                if isTold { bus.deliver([]) }
                let before = here.tape.extents.arrivals
                try await here.tape.extents.waitForArrivals(before + 2)
                here.tape.heal()
                #expect(try await client.events(on: "note:k", through: 3) == [1, 2, 3])
            }
        }
    }
}
