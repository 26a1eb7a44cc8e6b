// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Connections that cannot be written to, and how they catch up.
@Suite(.timeLimit(.minutes(1))) struct CatchUpTests {
    /// Data that fills the ring with few events.
    private static let big = #"{"x":"\#(String(repeating: "x", count: 20_000))"}"#

    @Test func nothingIsQueuedForAConnectionThatIsNotWritable() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            let other = try await hub.connect()
            try await client.subscribe("note:k")
            try await other.subscribe("note:k")
            try await client.becomeUnwritable()
            let before = client.transport.record.writes
            for _ in 0..<20 { try await hub.publish("note:k") }
            #expect(try await other.events(on: "note:k", through: 20) == Array(1...20))
            try await hub.settle()
            #expect(client.transport.record.writes == before)
        }
    }

    @Test func slowConnectionCatchesUpFromTheRing() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 0..<20 { try await hub.publish("note:k") }
            try await client.becomeWritable()
            #expect(try await client.events(on: "note:k", through: 20) == Array(1...20))
            #expect(hub.tape.log.pages.isEmpty)
            try await hub.publish("note:k")
            #expect(try await client.events(on: "note:k", through: 21) == Array(1...21))
        }
    }

    @Test func connectionPastTheRingCatchesUpFromTheTape() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 0..<40 { try await hub.publish("note:k", Self.big) }
            try await client.becomeWritable()
            #expect(try await client.events(on: "note:k", through: 40) == Array(1...40))
            #expect(!hub.tape.log.pages.isEmpty)
            try await hub.publish("note:k")
            #expect(try await client.events(on: "note:k", through: 41) == Array(1...41))
            #expect(client.messages("caughtUp").isEmpty)
        }
    }

    @Test(arguments: [100, 3_000, 30_000, 1_000_000])
    func catchingUpGoesOnlyAsFarAsThereIsRoom(room: Int) async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 0..<40 { try await hub.publish("note:k", Self.big) }
            var seen: [Int] = []
            while seen.last != 40 {
                try await client.becomeWritable(room)
                let last = seen.last ?? 0
                seen = try await client.events(on: "note:k", through: last + 1)
                try #require(seen == Array(1...(seen.last ?? 0)))
            }
            #expect(seen == Array(1...40))
        }
    }

    /// The kernel takes everything at each flush, whether or not the connection says so.
    @Test(arguments: [true, false])
    func connectionThatEmptiesAtEachFlushGoesOnByItself(givesNotice: Bool) async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            for _ in 0..<40 { try await hub.publish("note:k", Self.big) }
            let late = try await hub.connect()
            late.transport.empty(at: 1_000) {
                if givesNotice { late.session.assumeIsolated { $0.becameWritable() } }
            }
            try await late.send(#"{"op":"subscribe","channel":"note:k","since":0}"#)
            #expect(try await late.events(on: "note:k", through: 40) == Array(1...40))
            for _ in 0..<10 { try await hub.publish("note:k", Self.big) }
            #expect(try await late.events(on: "note:k", through: 50) == Array(1...50))
        }
    }

    @Test func requestsGoOnWhenAFlushHasMadeRoom() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            client.transport.empty(at: 100) { client.session.assumeIsolated { $0.becameWritable() } }
            try await client.send((1...200).map { #"{"op":"ping","id":\#($0)}"# })
            try await client.answer(200, op: "pong")
            #expect(client.messages("pong").map { $0["id"]?.integer(in: .seq) } == Array(1...200))
        }
    }

    @Test func eventsPublishedWhileCatchingUpComeInTheirPlace() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 0..<20 { try await hub.publish("note:k", Self.big) }
            hub.tape.readPages.close()
            try await client.becomeWritable()
            try await hub.tape.readPages.waitForArrivals(1)
            try await hub.publish(3, on: "note:k")
            hub.tape.readPages.open()
            #expect(try await client.events(on: "note:k", through: 23) == Array(1...23))
        }
    }

    @Test func replayComesInPagesAndIsComplete() async throws {
        var configuration = HubConfiguration.forTests
        configuration.page = PageLimit(entries: 7, bytes: 1 << 20)
        try await withHub(configuration) { hub in
            for _ in 0..<10 { try await hub.publish(10, on: "note:k") }
            let client = try await hub.connect()
            try await client.subscribe("note:k", #""since":3"#)
            try await client.expect(1, "caughtUp")
            #expect(client.transport.record.events(on: "note:k") == Array(4...100))
            #expect(hub.tape.log.pages.map(\.after) == Array(stride(from: 3, to: 100, by: 7)))
        }
    }

    @Test(arguments: ["price:k", "purse:k"])
    func replayOfLatestTypesIsCompleteToo(channel: String) async throws {
        try await withHub { hub in
            for _ in 0..<10 { try await hub.publish(5, on: channel) }
            let client = try await hub.connect()
            try await client.subscribe(channel, #""since":10"#)
            let caughtUp = try #require(try await client.expect(1, "caughtUp").first)
            #expect(caughtUp["seq"]?.integer(in: .seq) == 50)
            #expect(client.transport.record.events(on: channel) == Array(11...50))
            #expect(client.messages("event").allSatisfy { $0["skipped"] == nil })
        }
    }

    @Test func replayThatIsSlowIsStillCompleteForLatestTypes() async throws {
        try await withHub { hub in
            try await hub.publish(20, on: "price:k")
            let client = try await hub.connect()
            try await client.becomeUnwritable()
            try await client.becomeWritable(10)
            try await client.send(#"{"op":"subscribe","channel":"price:k","since":0}"#)
            try await client.expect(1, "subscribed")
            try await hub.publish(20, on: "price:k")
            try await client.becomeWritable()
            try await client.expect(1, "caughtUp")
            #expect(client.transport.record.events(on: "price:k") == Array(1...40))
        }
    }

    @Test func failedReadIsTriedAgain() async throws {
        try await withHub { hub in
            try await hub.publish(5, on: "note:k")
            hub.tape.fail(.page, .before(.unavailable("x")), .before(.unavailable("y")))
            let client = try await hub.connect()
            try await client.subscribe("note:k", #""since":0"#)
            try await eventually("the read has succeeded after two ticks") {
                await hub.tick()
                return hub.tape.log.pages.count >= 3
            }
            try await client.expect(1, "caughtUp")
            #expect(client.transport.record.events(on: "note:k") == Array(1...5))
            #expect(client.messages("error").isEmpty)
        }
    }

    @Test func unsubscribingWhileAPageIsReadDropsIt() async throws {
        try await withHub { hub in
            try await hub.publish(5, on: "note:k")
            hub.tape.readPages.close()
            let client = try await hub.connect()
            try await client.subscribe("note:k", #""since":0"#)
            try await hub.tape.readPages.waitForArrivals(1)
            try await client.send(#"{"op":"unsubscribe","id":5,"channel":"note:k"}"#)
            try await client.answer(5, op: "unsubscribed")
            try await client.send(#"{"op":"subscribe","id":6,"channel":"note:k","since":3}"#)
            try await client.answer(6, op: "subscribed")
            hub.tape.readPages.open()
            try await eventually("it has caught up") {
                await hub.tick()
                return !client.messages("caughtUp").isEmpty
            }
            #expect(client.transport.record.events(on: "note:k") == [4, 5])
        }
    }

    @Test func sessionThatEndsWhileAPageIsReadIsForgotten() async throws {
        try await withHub { hub in
            try await hub.publish(5, on: "note:k")
            hub.tape.readPages.close()
            let client = try await hub.connect()
            try await client.subscribe("note:k", #""since":0"#)
            try await hub.tape.readPages.waitForArrivals(1)
            await client.end()
            hub.tape.readPages.open()
            try await hub.settle()
            #expect(await hub.subscriptionCount() == 0)
            #expect(client.messages("event").isEmpty)
        }
    }
}
