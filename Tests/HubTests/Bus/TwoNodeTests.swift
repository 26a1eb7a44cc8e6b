// SPDX-License-Identifier: Apache-2.0

import Hub
import HubTestSupport
import JSON
import Tapes
import Testing

/// Two hubs on one tape.
@Suite(.timeLimit(.minutes(1))) struct TwoNodeTests {
    /// Closing one hub must not take the tape from the other.
    private struct SharedTape: Tape {
        let base = MemoryTape()

        func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
            try await self.base.append(requests)
        }

        func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
            try await self.base.extents(of: channels)
        }

        func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
            try await self.base.page(of: channel, after: seq, limit: limit)
        }

        func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
            try await self.base.latest(of: channels)
        }

        func channels(
            withPrefix prefix: String,
            after name: String?,
            limit: Int
        ) async throws(TapeFault) -> [ChannelListing] {
            try await self.base.channels(withPrefix: prefix, after: name, limit: limit)
        }

        func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
            try await self.base.prune(type: type, acceptedBefore: time, limit: limit)
        }

        func close() async {}
    }

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
                    return clients[0].outlet.record.events(on: "note:k").count > 1
                        && clients[2].outlet.record.events(on: "note:k").count > 1
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
            #expect(late.messages("snapshot").map { $0["seq"]?.integer } == [1, 2])
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

    /// ARCHITECTURE: the next heartbeat shows a head beyond the cursor, and the reader catches up from the tape.
    @Test func lostMessageOnAQuietChannelIsHealedByTheHeartbeat() async throws {
        try await self.withNodes { here, _, there, _ in
            let client = try await here.connect()
            try await client.subscribe("note:k")
            try await there.publish(3, on: "note:k")
            var now = Timestamp.now
            try await eventually("the events have come", within: .seconds(5)) {
                now = now.advanced(by: .seconds(101))
                await here.tick(now)
                try await here.settle()
                return client.outlet.record.events(on: "note:k") == [1, 2, 3]
            }
            #expect(client.outlet.record.events(on: "note:k") == [1, 2, 3])
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
