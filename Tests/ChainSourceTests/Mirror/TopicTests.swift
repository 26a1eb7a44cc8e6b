// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import JSON
import TestSupport
import Testing

/// Messages of topics.
@Suite struct TopicTests {
    private static func start(_ change: (inout Mirror) -> Void = { _ in }) throws -> (SimulatedMirror, Mirroring) {
        let node = try SimulatedMirror()
        var mirror = Mirror(name: "test", topics: [SimulatedMirror.topic])
        change(&mirror)
        node.advance(to: 1_000)
        return (node, Mirroring(node, mirror))
    }

    /// Published messages with the number of chunks that each was joined from.
    private static func told(_ mirroring: Mirroring) -> [String] {
        mirroring.takeEvents().map { event in
            let data = try? JSON.Value.parse(event.data)
            let parts = data?["parts"]?.integer(in: .seq).map { " of \($0)" } ?? ""
            let part = data?["part"]?["number"]?.integer(in: .seq).map { " part \($0)" } ?? ""
            return "\(data?["sequenceNumber"]?.integer(in: .seq) ?? 0) \(data?["message"]?.string ?? "")\(parts)\(part)"
        }
    }

    @Test func messagesAreToldInOrder() async throws {
        let (node, mirroring) = try Self.start()
        for sequence in 1...250 { node.say(sequence, "m\(sequence)") }
        try await mirroring.catchUp()
        let all = (1...250).map { "\($0) m\($0)" }
        #expect(Self.told(mirroring) == all)
        node.say(251, "m251")
        mirroring.restart()
        try await mirroring.catchUp()
        #expect(Self.told(mirroring) == ["251 m251"])
    }

    @Test func eventsAreOfTheirType() async throws {
        let (node, mirroring) = try Self.start()
        node.say(1, "№")
        try await mirroring.catchUp()
        let event = try #require(mirroring.takeEvents().first)
        #expect(event.type == "topicMessage")
        #expect(event.key == "0.0.7")
        #expect(event.id == "0.0.7:1")
        let data = try JSON.Value.parse(event.data)
        let errors = try #require(EventTypes()["topicMessage"]).fields.compactMap { $0.validationError(of: data) }
        #expect(errors.isEmpty)
        #expect(data["encoding"]?.string == "text")
        #expect(data["consensusTimestamp"]?.string == "1700000001.000000000")
    }

    @Test func otherBytesAreToldInBase64() async throws {
        let (node, mirroring) = try Self.start()
        node.say(1, "x")
        node.change { $0.messages[0].content = [0xFF, 0x00] }
        try await mirroring.catchUp()
        let data = try JSON.Value.parse(try #require(mirroring.takeEvents().first).data)
        #expect(data["encoding"]?.string == "base64")
        #expect(data["message"]?.string == "/wA=")
    }

    /// What comes after a hole waits for it.
    @Test func holesAreWaitedFor() async throws {
        let (node, mirroring) = try Self.start()
        for sequence in 1...5 { node.say(sequence, "m\(sequence)") }
        node.change { $0.messages[2].isHidden = true }
        try await mirroring.catchUp(attempts: 1)
        #expect(Self.told(mirroring) == ["1 m1", "2 m2"])
        #expect(await mirroring.fault() == .again("message 3 of topic 0.0.7 is not there yet"))
        #expect(Self.told(mirroring).isEmpty)
        node.change { $0.messages[2].isHidden = false }
        try await mirroring.catchUp()
        #expect(Self.told(mirroring) == ["3 m3", "4 m4", "5 m5"])
    }

    /// Two messages whose parts come in any order, with a kill between any two of them.
    @Test func partsAreJoined() async throws {
        let (node, mirroring) = try Self.start()
        let parts = [("a", 2, 3, "B"), ("b", 1, 2, "x"), ("a", 1, 3, "A"), ("b", 2, 2, "y"), ("a", 3, 3, "C")]
        var told: [String] = []
        for (place, part) in parts.enumerated() {
            node.say(place + 1, part.3, chunk: (part.0, part.1, part.2))
            try await mirroring.catchUp()
            told += Self.told(mirroring)
            mirroring.restart()
        }
        #expect(told == ["4 xy of 2", "5 ABC of 3"])
        #expect(mirroring.remembered("/m/").isEmpty)
    }

    @Test func partsThatDoNotFitAreToldAlone() async throws {
        let (node, mirroring) = try Self.start()
        // Twice, of another cut, of too many.
        node.say(1, "A", chunk: ("a", 1, 2))
        node.say(2, "A", chunk: ("a", 1, 2))
        node.say(3, "Z", chunk: ("a", 2, 3))
        node.say(4, "Y", chunk: ("b", 1, 1_000))
        node.say(5, "B", chunk: ("a", 2, 2))
        try await mirroring.catchUp()
        #expect(Self.told(mirroring) == ["2 A part 1", "3 Z part 2", "4 Y part 1", "5 AB of 2"])
    }

    /// An incomplete message is published chunk by chunk: when there are too many of them, or after a day.
    @Test func partialMessagesAreBounded() async throws {
        let (node, mirroring) = try Self.start()
        for sequence in 1...65 { node.say(sequence, "p\(sequence)", chunk: ("m\(sequence)", 1, 2)) }
        try await mirroring.catchUp()
        #expect(Self.told(mirroring) == ["1 p1 part 1"])
        #expect(mirroring.remembered("/m/").count == 64)
        node.say(66, "late")
        node.change { $0.messages[65].time = SimulatedMirror.time(90_000) }
        node.advance(to: 100_000)
        mirroring.restart()
        try await mirroring.catchUp()
        let parts = (2...65).map { "\($0) p\($0) part 1" }
        #expect(Self.told(mirroring) == parts + ["66 late"])
        #expect(mirroring.remembered("/m/").isEmpty)
    }

    @Test func longMessagesAreToldInParts() async throws {
        let (node, mirroring) = try Self.start()
        for number in 1...10 {
            node.say(number, String(repeating: "x", count: 6_000), chunk: ("a", number, 10))
        }
        try await mirroring.catchUp()
        var events = mirroring.takeEvents()
        #expect(events.count == 8)
        // The rest waits for a whole that does not come.
        node.say(11, "next day")
        node.change { $0.messages[10].time = SimulatedMirror.time(100_000) }
        node.advance(to: 100_001)
        try await mirroring.catchUp()
        events += mirroring.takeEvents()
        #expect(events.count == 11)
        #expect(events.allSatisfy { $0.data.count < 65_536 })
    }

    @Test func beginsWithTheFirstMessageSinceTheStart() async throws {
        let (node, mirroring) = try Self.start { $0.start = SimulatedMirror.time(3) }
        try await mirroring.catchUp()
        for sequence in 1...5 { node.say(sequence, "m\(sequence)") }
        try await mirroring.catchUp()
        #expect(Self.told(mirroring) == ["3 m3", "4 m4", "5 m5"])
    }
}
