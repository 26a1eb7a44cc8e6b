// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Messages of the bus that the log does not bear out: old ones, of another life, or of a node that is wrong.
@Suite(.timeLimit(.minutes(1))) struct UnprovenMessageTests {
    private static let channel = ChannelName(type: "note", key: "k")

    private static func commit(_ seqs: ClosedRange<Int>, _ data: String = #"{"n":"untrue"}"#) -> ChannelBatch {
        ChannelBatch(
            channel: Self.channel,
            entries: seqs.map { seq in
                TapeEntry(seq: seq, id: "x\(seq)", time: .now, data: Array(data.utf8), slot: "")
            }
        )
    }

    /// A hub whose bus the test carries, and another one on the same tape.
    private func withNodes(
        _ body: (_ here: TestHub, _ bus: ScriptedBus, _ there: TestHub, _ announced: ScriptedBus) async throws -> Void
    ) async throws {
        let tape = SharedTape()
        let (bus, announced) = (ScriptedBus(), ScriptedBus())
        try await withHub(tape: tape, bus: bus, loops: 2) { here in
            try await withHub(tape: tape, bus: announced) { there in
                try await body(here, bus, there, announced)
            }
        }
    }

    /// A head beyond the log would hide every event up to it, and be sent to new subscribers.
    @Test func aHeadBeyondTheLogIsNotBelieved() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect(on: 1)
            try await client.subscribe("note:k")
            bus.deliver([Self.commit(1_000_000...1_000_000)])
            try await eventually("the log was asked") { here.tape.log.extents.contains([Self.channel]) }
            #expect(await here.hub.registry.existing(Self.channel)?.extent?.head == 0)
            try await there.publish(2, on: "note:k")
            try await announced.waitForAnnouncements(1)
            bus.deliver(announced.announcements[0])
            #expect(try await client.events(on: "note:k", through: 2) == [1, 2])
            let late = try await here.connect()
            #expect(try await late.subscribe("note:k")["head"]?.integer(in: .seq) == 2)
            for client in [client, late] {
                #expect(!client.messages("event", "snapshot").contains { $0["data"]?["n"]?.string == "untrue" })
            }
        }
    }

    /// What is said of numbers that are not due is read from the log, not from the message.
    @Test func aGapIsFilledFromTheLogAlone() async throws {
        try await self.withNodes { here, bus, there, _ in
            let client = try await here.connect(on: 1)
            try await client.subscribe("note:k")
            try await there.publish(5, on: "note:k", #"{"n":"true"}"#)
            bus.deliver([Self.commit(4...5)])
            #expect(try await client.events(on: "note:k", through: 5) == [1, 2, 3, 4, 5])
            #expect(client.messages("event").allSatisfy { $0["data"]?["n"]?.string == "true" })
        }
    }

    /// Text that is no event's data does not get into a frame, though it comes with the number that is due.
    @Test(arguments: [
        "", "{", "[]", "1", "null", "{a}", "{}{}", "{} ", #"{"a":1 }"#, "{\n}", "{\"a\":\"\u{0}\"}",
        "{}\n\nevent: goodbye\ndata: {}", #"{"a":1,"a":2}"#,
    ])
    func dataThatIsNoCompactObjectIsReadFromTheLog(_ data: String) async throws {
        try await self.withNodes { here, bus, there, _ in
            let client = try await here.connect(on: 1)
            try await client.subscribe("note:k")
            bus.deliver([Self.commit(1...1, data)])
            try await eventually("the log was asked") { here.tape.log.extents.contains([Self.channel]) }
            try await there.publish("note:k", #"{"n":"true"}"#)
            bus.deliver([Self.commit(1...1, data)])
            #expect(try await client.events(on: "note:k", through: 1) == [1])
            #expect(client.messages("event").map { $0["data"]?["n"]?.string } == ["true"])
        }
    }

    @Test func whatWasToldBeforeIsNotToldAgain() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect()
            try await client.subscribe("note:k")
            for _ in 1...3 { try await there.publish("note:k") }
            try await announced.waitForAnnouncements(3)
            for message in announced.announcements { bus.deliver(message) }
            try await client.events(on: "note:k", through: 3)
            bus.deliver([Self.commit(1...3)])
            bus.deliver([Self.commit(2...2)])
            try await there.publish("note:k")
            try await announced.waitForAnnouncements(4)
            bus.deliver(announced.announcements[3])
            #expect(try await client.events(on: "note:k", through: 4) == [1, 2, 3, 4])
        }
    }

    /// The log was read before the event, and the message came before the channel was open.
    @Test func aMessageThatComesWhileTheChannelIsOpenedIsNotMissed() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect(on: 1)
            here.tape.readLatests.close()
            try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k"}"#)
            try await here.tape.readLatests.waitForArrivals(1)
            try await there.publish("note:k")
            try await announced.waitForAnnouncements(1)
            bus.deliver(announced.announcements[0])
            try await here.settle()
            here.tape.readLatests.open()
            // It may have been read once more before the subscription began, and is then part of what that begins after.
            let head = try #require(try await client.answer(1, op: "subscribed")["head"]?.integer(in: .seq))
            if head == 0 { #expect(try await client.events(on: "note:k", through: 1) == [1]) }
            try await there.publish("note:k")
            try await announced.waitForAnnouncements(2)
            bus.deliver(announced.announcements[1])
            #expect(try await client.events(on: "note:k", through: 2) == Array(head + 1...2))
        }
    }

    /// The event is not lost with the reading.
    @Test func aLogThatCannotBeReadThenIsReadLater() async throws {
        var configuration = HubConfiguration.forTests
        configuration.pollWhileCut = .milliseconds(5)
        let tape = SharedTape()
        let (bus, announced) = (ScriptedBus(), ScriptedBus())
        try await withHub(configuration, tape: tape, bus: bus) { here in
            try await withHub(tape: tape, bus: announced) { there in
                let client = try await here.connect()
                try await client.subscribe("note:k")
                try await there.publish(3, on: "note:k")
                here.tape.fail(.extents, .before(.unavailable("x")), .before(.unavailable("x")))
                bus.deliver([Self.commit(3...3)])
                #expect(try await client.events(on: "note:k", through: 3) == [1, 2, 3])
            }
        }
    }
}
