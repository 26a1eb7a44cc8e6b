// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Two hubs on one tape.
@Suite(.timeLimit(.minutes(1))) struct TwoNodeTests {
    /// A hub `here` whose bus the test carries, and one `there` whose announcements it takes from.
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

    @Test func commitsOfOneNodeReachSubscribersOfTheOther() async throws {
        let tape = SharedTape()
        let exchange = InProcessBus.Exchange()
        try await withHub(tape: tape, bus: InProcessBus(exchange: exchange), loops: 2) { here in
            try await withHub(tape: tape, bus: InProcessBus(exchange: exchange)) { there in
                let clients = try await [here.connect(on: 0), here.connect(on: 1), there.connect()]
                for client in clients { try await client.subscribe("note:k", #""since":0"#) }
                try await eventually("the nodes have found each other") {
                    try await here.publish("note:k")
                    try await there.publish("note:k")
                    return clients[0].transport.record.events(on: "note:k").count > 1
                        && clients[2].transport.record.events(on: "note:k").count > 1
                }
                for _ in 0..<50 {
                    try await here.publish(2, on: "note:k")
                    try await there.publish("note:k")
                }
                let last = try await here.publish("note:k")
                for client in clients {
                    #expect(try await client.events(on: "note:k", through: last) == Array(1...last))
                }
            }
        }
    }

    @Test func announcedEventsAreDeliveredWithoutReadingTheTape() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect(on: 1)
            try await client.subscribe("note:k")
            try await there.publish(3, on: "note:k")
            try await announced.waitForAnnouncements(1)
            bus.deliver(announced.announcements[0])
            #expect(try await client.events(on: "note:k", through: 3) == [1, 2, 3])
            #expect(here.tape.log.pages.isEmpty)
        }
    }

    @Test func repeatedAndLateMessagesAreHarmless() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect()
            try await client.subscribe("note:k")
            for _ in 1...6 { try await there.publish("note:k") }
            try await announced.waitForAnnouncements(6)
            let messages = announced.announcements
            for index in [0, 0, 1, 0, 3, 2, 3, 5, 4] { bus.deliver(messages[index]) }
            #expect(try await client.events(on: "note:k", through: 6) == Array(1...6))
        }
    }

    @Test func lostMessageIsHealedByTheNext() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect(on: 1)
            try await client.subscribe("note:k")
            for _ in 1...5 { try await there.publish("note:k") }
            try await announced.waitForAnnouncements(5)
            bus.deliver(announced.announcements[0])
            bus.deliver(announced.announcements[4])
            #expect(try await client.events(on: "note:k", through: 5) == Array(1...5))
            #expect(!here.tape.log.pages.isEmpty)
        }
    }

    @Test func lostSlotIsHealedByTheNextEventOfAnother() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect()
            try await client.subscribe("purse:k")
            try await there.publish("purse:k", #"{"currency":"EUR"}"#)
            try await there.publish("purse:k", #"{"currency":"USD"}"#)
            try await announced.waitForAnnouncements(2)
            bus.deliver(announced.announcements[1])
            #expect(try await client.events(on: "purse:k", through: 2) == [1, 2])
            let late = try await here.connect()
            try await late.subscribe("purse:k")
            try await late.expect(2, "snapshot")
            #expect(late.messages("snapshot").map { $0["seq"]?.integer(in: .seq) } == [1, 2])
        }
    }

    @Test func ownCommitHealsALostMessageToo() async throws {
        try await self.withNodes { here, _, there, _ in
            let client = try await here.connect()
            try await client.subscribe("note:k")
            try await there.publish(3, on: "note:k")
            try await here.publish("note:k")
            #expect(try await client.events(on: "note:k", through: 4) == [1, 2, 3, 4])
        }
    }

    @Test(arguments: ["note:k", "price:k", "purse:k"], [0, 1])
    func lostMessageOnAQuietChannelIsHealedOnceAHeartbeat(channel: String, loop: Int) async throws {
        try await self.withNodes { here, _, there, _ in
            let client = try await here.connect(on: loop)
            let slow = try await here.connect(on: loop)
            try await client.subscribe(channel)
            try await slow.subscribe(channel)
            try await slow.becomeUnwritable()
            try await there.publish(3, on: channel)
            await here.hub.refreshHeads()
            #expect(try await client.events(on: channel, through: 3) == [1, 2, 3])
            #expect(slow.messages("event").isEmpty)
            try await slow.becomeWritable()
            #expect(try await slow.events(on: channel, through: 3) == [1, 2, 3])
            let late = try await here.connect(on: loop)
            try await late.subscribe(channel, #""snapshot":true"#)
            #expect(late.messages("snapshot").map { $0["seq"]?.integer(in: .seq) } == [3])
            try await here.publish(channel)
            for reader in [client, slow, late] {
                try await reader.events(on: channel, through: 4)
            }
        }
    }

    @Test func lookingForLostMessagesDisturbsNothing() async throws {
        try await self.withNodes { here, bus, there, announced in
            let client = try await here.connect(on: 1)
            try await client.subscribe("note:k")
            try await there.publish(2, on: "note:k")
            try await announced.waitForAnnouncements(1)
            await here.hub.refreshHeads()
            bus.deliver(announced.announcements[0])
            try await here.publish("note:k")
            await here.hub.refreshHeads()
            await here.hub.refreshHeads()
            try await here.publish("note:k")
            #expect(try await client.events(on: "note:k", through: 4) == [1, 2, 3, 4])
        }
    }

    @Test func headsThatCannotBeReadAreReadLater() async throws {
        try await self.withNodes { here, _, there, _ in
            let client = try await here.connect()
            try await client.subscribe("note:k")
            try await there.publish(2, on: "note:k")
            here.tape.fail(.extents, .before(.unavailable("x")))
            await here.hub.refreshHeads()
            await here.hub.refreshHeads()
            #expect(try await client.events(on: "note:k", through: 2) == [1, 2])
        }
    }

    /// The snapshot was read from the tape and is ahead of the messages that this node has received.
    @Test func snapshotAheadOfTheMessagesIsNotRepeated() async throws {
        try await self.withNodes { here, bus, there, announced in
            let watching = try await here.connect()
            try await watching.subscribe("purse:k")
            for currency in ["EUR", "USD", "EUR"] {
                try await there.publish("purse:k", #"{"currency":"\#(currency)"}"#)
            }
            try await announced.waitForAnnouncements(3)
            bus.deliver(announced.announcements[1])
            try await watching.events(on: "purse:k", through: 2)
            let late = try await here.connect()
            let answer = try await late.subscribe("purse:k")
            #expect(answer["head"]?.integer(in: .seq) == 3)
            try await late.expect(2, "snapshot")
            #expect(late.messages("snapshot").map { $0["seq"]?.integer(in: .seq) } == [2, 3])
            bus.deliver(announced.announcements[2])
            #expect(try await watching.events(on: "purse:k", through: 3) == [1, 2, 3])
            try await here.publish("purse:k")
            #expect(try await late.events(on: "purse:k", through: 4) == [4])
        }
    }

    @Test func messagesOfChannelsNobodyLooksAtCostNothing() async throws {
        try await self.withNodes { here, bus, there, announced in
            for index in 0..<20 { try await there.publish("note:\(index)") }
            try await announced.waitForAnnouncements(20)
            for message in announced.announcements { bus.deliver(message) }
            let client = try await here.connect()
            try await client.subscribe("note:last")
            try await here.publish("note:last")
            try await client.events(on: "note:last", through: 1)
            #expect(here.hub.registry.count == 1)
            #expect(bus.announcements.count == 1)
        }
    }
}
