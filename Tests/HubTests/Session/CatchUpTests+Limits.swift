// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Retention that passes readers, and bounds on the work for those behind.
@Suite(.timeLimit(.minutes(1))) struct CatchUpLimitTests {
    /// A hub that keeps `note` events for a minute, with a clock that does not advance.
    private func withPrunedHub(_ body: (TestHub, TapeClock) async throws -> Void) async throws {
        let clock = TapeClock()
        var configuration = HubConfiguration.forTests
        let note = EventType(name: "note", readers: .everyone, delivery: .every, retention: .seconds(60))
        configuration.types = EventTypes(declared: [note])
        try await withHub(configuration, tape: MemoryTape(clock: { clock.now })) { hub in
            try await body(hub, clock)
        }
    }

    /// Everything on the tape but the newest is forgotten.
    private func prune(_ hub: TestHub, _ clock: TapeClock) async {
        clock.now = clock.now.advanced(by: .seconds(120))
        await hub.hub.prune(now: clock.now)
    }

    @Test func expiredCursorIsRefusedAtOnce() async throws {
        try await self.withPrunedHub { hub, clock in
            try await hub.publish(5, on: "note:k")
            await self.prune(hub, clock)
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k","since":2}"#)
            let answer = try await client.answer(1, op: "error")
            #expect(answer["code"]?.string == "cursor_expired")
            #expect(answer["message"]?.string?.contains("the oldest is 5") == true)
            try await client.subscribe("note:k", #""since":4"#)
            try await client.expect(1, "caughtUp")
            #expect(client.transport.record.events(on: "note:k") == [5])
        }
    }

    @Test func cursorThatExpiredWhileTheChannelIsLookedAtIsRefusedAtOnce() async throws {
        try await self.withPrunedHub { hub, clock in
            try await hub.publish(5, on: "note:k")
            let watching = try await hub.connect()
            try await watching.subscribe("note:k")
            await self.prune(hub, clock)
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k","since":2}"#)
            #expect(try await client.answer(1, op: "error")["code"]?.string == "cursor_expired")
        }
    }

    @Test func retentionThatPassesAReplayEndsTheSubscription() async throws {
        try await self.withPrunedHub { hub, clock in
            try await hub.publish(5, on: "note:k")
            hub.tape.pages.close()
            let client = try await hub.connect()
            try await client.subscribe("note:k", #""since":1"#)
            try await hub.tape.pages.waitForArrivals(1)
            await self.prune(hub, clock)
            hub.tape.pages.open()
            let error = try #require(try await client.expect(1, "error").first)
            #expect(error["code"]?.string == "cursor_expired")
            #expect(error["channel"]?.string == "note:k")
            #expect(error["action"]?.string == "snapshot")
            #expect(error["id"] == nil)
            #expect(await hub.subscriptionCount() == 0)
            #expect(client.messages("event").isEmpty)
            try await client.subscribe("note:k")
            try await hub.publish("note:k")
            #expect(try await client.events(on: "note:k", through: 6) == [6])
        }
    }

    @Test func slowReaderThatRetentionPassesIsTold() async throws {
        try await self.withPrunedHub { hub, clock in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 0..<20 { try await hub.publish("note:k", #"{"x":"\#(String(repeating: "x", count: 20_000))"}"#) }
            await self.prune(hub, clock)
            try await client.becomeWritable()
            #expect(try await client.expect(1, "error").first?["code"]?.string == "cursor_expired")
            #expect(client.messages("event").isEmpty)
            #expect(!client.isClosed)
        }
    }

    // MARK: - Bounds

    @Test func fewPagesAreReadAtOnceForOneSession() async throws {
        try await withHub { hub in
            for index in 0..<12 { try await hub.publish(2, on: "note:\(index)") }
            hub.tape.pages.close()
            let client = try await hub.connect()
            let channels = (0..<12).map { #"{"channel":"note:\#($0)","since":0}"# }.joined(separator: ",")
            try await client.send(#"{"op":"subscribe","id":1,"channels":[\#(channels)]}"#)
            try await hub.tape.pages.waitForArrivals(4)
            try await hub.settle()
            #expect(hub.tape.pages.arrivals == 4)
            hub.tape.pages.open()
            try await client.expect(12, "caughtUp")
            for index in 0..<12 { #expect(client.transport.record.events(on: "note:\(index)") == [1, 2]) }
        }
    }

    /// Reads that take long must not keep the loop busy meanwhile.
    @Test func loopRestsWhilePagesAreRead() async throws {
        try await withHub { hub in
            for index in 0..<12 { try await hub.publish(2, on: "note:\(index)") }
            hub.tape.pages.close()
            let client = try await hub.connect()
            let channels = (0..<12).map { #"{"channel":"note:\#($0)","since":0}"# }.joined(separator: ",")
            try await client.send(#"{"op":"subscribe","id":1,"channels":[\#(channels)]}"#)
            try await hub.tape.pages.waitForArrivals(4)
            try await hub.settle()
            let looks = client.transport.record.looks
            for _ in 0..<20 { try await hub.settle() }
            #expect(client.transport.record.looks == looks)
            hub.tape.pages.open()
            try await client.expect(12, "caughtUp")
        }
    }

    @Test func readersTakeTurns() async throws {
        var configuration = HubConfiguration.forTests
        configuration.shard.replayBytesPerTurn = 1_000
        configuration.shard.replayBytesPerTick = 3_000
        configuration.page = PageLimit(entries: 10, bytes: 2_000)
        try await withHub(configuration) { hub in
            for _ in 0..<30 { try await hub.publish(20, on: "note:k") }
            var clients: [TestClient] = []
            for _ in 0..<4 {
                let client = try await hub.connect()
                try await client.subscribe("note:k", #""since":0"#)
                clients.append(client)
            }
            for client in clients {
                try await client.expect(1, "caughtUp")
                #expect(client.transport.record.events(on: "note:k") == Array(1...600))
            }
        }
    }

    @Test func tooManyWaitsEndTheConnectionAsOverloaded() async throws {
        var configuration = HubConfiguration.forTests
        configuration.waits = 1
        try await withHub(configuration) { hub in
            hub.tokens.close()
            let first = try await hub.connect()
            try await first.send(#"{"op":"auth","token":"u_1"}"#)
            try await hub.tokens.waitForArrivals(1)
            let second = try await hub.connect()
            try await second.send(#"{"op":"auth","token":"u_2"}"#)
            #expect(try await second.closing() == .overloaded)
            hub.tokens.open()
            try await first.expect(1, "authenticated")
        }
    }
}
