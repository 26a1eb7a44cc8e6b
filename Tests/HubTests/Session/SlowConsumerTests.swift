// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// Connections that hold up events for longer than the operator allows.
@Suite(.timeLimit(.minutes(1))) struct SlowConsumerTests {
    private static let limit = Duration.seconds(10)

    private static var configuration: HubConfiguration {
        var configuration = HubConfiguration.forTests
        configuration.shard.slowConsumer = self.limit
        // The clock strikes when a test says so, at times that the real one would contradict.
        configuration.shard.tick = .seconds(10_000)
        return configuration
    }

    /// The clock strikes at these seconds.
    private static func tick(_ hub: TestHub, from start: NIODeadline, _ seconds: Int64...) async throws {
        for second in seconds { await hub.tick(.now, uptime: start + .seconds(second)) }
        try await hub.settle()
    }

    private static func closedCount(_ hub: TestHub) async -> Int {
        await hub.hub.shards[0].closedSlowConsumers
    }

    @Test func clientThatTakesNothingIsClosed() async throws {
        try await withHub(Self.configuration) { hub in
            let start = NIODeadline.now()
            let client = try await hub.connect()
            let other = try await hub.connect()
            try await client.subscribe("note:k")
            try await other.subscribe("note:k")
            try await client.becomeUnwritable()
            try await hub.publish(3, on: "note:k")
            try await other.events(on: "note:k", through: 3)
            try await Self.tick(hub, from: start, 0, 5, 10)
            #expect(!client.isClosed)
            #expect(await Self.closedCount(hub) == 0)
            try await Self.tick(hub, from: start, 11)
            let reason = try await client.closing()
            #expect(reason == .slowConsumer(limit: Self.limit))
            #expect(reason.code == 4008)
            #expect(reason.text.utf8.count <= 123)
            #expect(!other.isClosed)
            #expect(await Self.closedCount(hub) == 1)
        }
    }

    @Test func replayThatNobodyReadsIsHeldUpToo() async throws {
        try await withHub(Self.configuration) { hub in
            let start = NIODeadline.now()
            try await hub.publish(50, on: "note:k")
            let client = try await hub.connect()
            try await client.becomeWritable(10)
            try await client.send(#"{"op":"subscribe","channel":"note:k","since":0}"#)
            try await client.expect(1, "subscribed")
            try await Self.tick(hub, from: start, 0, 11)
            #expect(try await client.closing().code == 4008)
        }
    }

    /// However long the replay takes: what counts is that the client reads.
    @Test func clientThatReadsALongReplayIsNot() async throws {
        var configuration = Self.configuration
        configuration.page = PageLimit(entries: 10, bytes: 1 << 20)
        try await withHub(configuration) { hub in
            let start = NIODeadline.now()
            for _ in 0..<30 { try await hub.publish(10, on: "note:k") }
            let client = try await hub.connect()
            try await client.becomeWritable(10)
            try await client.send(#"{"op":"subscribe","channel":"note:k","since":0}"#)
            try await client.expect(1, "subscribed")
            var second: Int64 = 0
            var last = 0
            while last < 300 {
                try await Self.tick(hub, from: start, second, second + 9)
                second += 9
                try await client.becomeWritable(100)
                let goal = last + 1
                last = try await client.events(on: "note:k", through: goal).last ?? 0
                try await hub.settle()
            }
            #expect(second > 200, "the replay was not long")
            #expect(!client.isClosed)
            #expect(client.transport.record.events(on: "note:k") == Array(1...300))
        }
    }

    @Test func roomBetweenTwoLooksBeginsTheCountAnew() async throws {
        try await withHub(Self.configuration) { hub in
            let start = NIODeadline.now()
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.becomeUnwritable()
            for _ in 0..<20 { try await hub.publish("note:k") }
            try await Self.tick(hub, from: start, 0, 9)
            try await client.becomeWritable(10)
            try await client.events(on: "note:k", through: 1)
            try await hub.settle()
            #expect(!client.transport.record.events(on: "note:k").contains(20))
            try await Self.tick(hub, from: start, 11, 21)
            #expect(!client.isClosed)
            try await Self.tick(hub, from: start, 22)
            #expect(try await client.closing().code == 4008)
        }
    }

    enum Patience: Sendable, CaseIterable {
        case nothingPublished, latestOnly, switchedOff, unsubscribed, tapeIsSlow
    }

    @Test(arguments: Patience.allCases)
    func nobodyElseIsClosed(_ why: Patience) async throws {
        var configuration = Self.configuration
        if why == .switchedOff { configuration.shard.slowConsumer = nil }
        try await withHub(configuration) { hub in
            let start = NIODeadline.now()
            if why == .tapeIsSlow {
                try await hub.publish(5, on: "note:k")
                hub.tape.pages.close()
            }
            let client = try await hub.connect()
            let channel = why == .latestOnly ? "price:k" : "note:k"
            try await client.subscribe(channel, why == .tapeIsSlow ? #""since":0"# : "")
            if why == .tapeIsSlow {
                try await hub.tape.pages.waitForArrivals(1)
            } else {
                try await client.becomeUnwritable()
                if why != .nothingPublished { try await hub.publish(5, on: channel) }
            }
            try await Self.tick(hub, from: start, 0, 9)
            if why == .unsubscribed {
                try await client.becomeWritable(1)
                try await client.send(#"{"op":"unsubscribe","id":9,"channel":"note:k"}"#)
                try await client.becomeWritable()
                try await client.answer(9, op: "unsubscribed")
                try await client.becomeUnwritable()
                try await hub.publish(5, on: channel)
            }
            try await Self.tick(hub, from: start, 20, 40, 60)
            #expect(!client.isClosed)
        }
    }
}
