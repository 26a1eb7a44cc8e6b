// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RedisBus

@Suite(.system, .timeLimit(.minutes(1))) struct RedisFanInSystemTests {
    /// A fan-in and what came of it.
    private final class Source: Sendable {
        let fanIn: RedisFanIn
        let messages = Watched<[FanInMessage]>([])
        /// True for subscribed, false for the end of it.
        let states: Watched<[Bool]>
        let gate = Gate()

        init(
            _ server: RedisServer,
            patterns: [String] = RedisFanIn.defaultPatterns,
            maxMessage: Int = RedisFanIn.defaultMaxMessage,
            options: RedisOptions = .quick
        ) throws {
            let states = Watched<[Bool]>([])
            self.states = states
            self.fanIn = RedisFanIn(
                connector: try RedisConnector(to: RedisAddress(server.url), options: options),
                patterns: patterns,
                maxMessage: maxMessage,
                on: MultiThreadedEventLoopGroup.singleton.next(),
                logger: .quiet
            ) { ending in
                states.change { $0.append(ending == nil) }
            }
        }

        func run(work: () async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await self.fanIn.run { message in
                        self.messages.change { $0.append(message) }
                        await self.gate.pass()
                    }
                }
                do {
                    try await self.states.wait(for: "the subscription") { $0.last == true }
                    try await work()
                } catch {
                    self.gate.open()
                    throw error
                }
                group.cancelAll()
            }
        }

        func received(_ count: Int) async throws {
            try await self.messages.wait(for: "\(count) messages") { $0.count >= count }
        }

        var payloads: [String] {
            self.messages.value.map { String(decoding: $0.payload, as: UTF8.self) }
        }
    }

    @Test func messagesComeAsTheyWerePublished() async throws {
        try await RedisServer.with { server in
            let source = try Source(server)
            try await source.run {
                #expect(try server.publish(#"{"type":"rateChange"}"#, to: "rate.binance") == 1)
                #expect(try server.publish("[]", to: "rates.binance") == 0)
                #expect(try server.publish(#"[{"type":"chainEvent"},{}]"#, to: "chain.eth") == 1)
                #expect(try server.publish("", to: "chain.") == 1)
                try await source.received(3)
            }
            #expect(source.messages.value.map(\.channel) == ["rate.binance", "chain.eth", "chain."])
            #expect(source.payloads == [#"{"type":"rateChange"}"#, #"[{"type":"chainEvent"},{}]"#, ""])
            #expect(source.fanIn.tally.received == 3 && !source.fanIn.tally.isSubscribed)
        }
    }

    @Test func overlappingPatternsDeliverOnce() async throws {
        try await RedisServer.with { server in
            let source = try Source(server, patterns: ["rate.*", "rate.b*", "rate.*", "*.[a-c]?nance", "chain.*"])
            try await source.run {
                #expect(try server.publish("1", to: "rate.binance") == 3)
                #expect(try server.publish("2", to: "x.binance") == 1)
                #expect(try server.publish("3", to: "rate.kraken") == 1)
                #expect(try server.publish("4", to: "chain.binance") == 2)
                #expect(try server.publish("5", to: "chain.end") == 1)
                try await source.messages.wait(for: "the last") { $0.last?.channel == "chain.end" }
            }
            #expect(source.payloads == ["1", "2", "3", "4", "5"])
            #expect(source.fanIn.tally.repeated == 3)
        }
    }

    /// The filter must match exactly as Redis does; `KEYS` uses the same matching.
    @Test func patternsMatchAsInRedis() async throws {
        let texts = [
            "a", "ab", "abc", "a]c", "a-c", "a*c", "a\\c", "aXbXc", "[abc]", "^", "b", "rate.binance", "aaaaaaab",
        ]
        let patterns = [
            "*", "a", "a*", "*c", "a*c", "?", "??", "a?c", "[abc]", "[^abc]", "[a-c]b*", "[c-a]b", "a[]]c", "a\\*c",
            "a[*]c",
            "a\\\\c", "a[\\]]c", "[a-", "[a", "[^", "[", "\\[abc\\]", "a**c", "*X*X*", "rate.*", "*.b*e", "[^a]", "\\",
            "",
            "a[a-", "a[b-]c", "[\\^]", "*a*a*a*b", "*a*a*a*c", "^",
        ]
        try await RedisServer.with { server in
            _ = try server.commands(texts.map { ["SET", $0, ""] })
            for pattern in patterns {
                let matched = Set(try server.command("KEYS", pattern).split(separator: "\n").map(String.init))
                for text in texts {
                    let isMatch = ChannelPattern(pattern).matches(Array(text.utf8))
                    #expect(isMatch == matched.contains(text), "\(pattern) and \(text)")
                }
            }
        }
    }

    @Test func slowHubHoldsBackTheSocket() async throws {
        var options = RedisOptions.quick
        options.inboxBytes = 64 << 10
        try await RedisServer.with { [options] server in
            let source = try Source(server, options: options)
            try await source.run {
                source.gate.close()
                let payload = String(repeating: "x", count: 10_000)
                _ = try server.commands((1...500).map { ["PUBLISH", "rate.x", "\($0)\(payload)"] })
                try await eventually("it is full") { source.fanIn.tally.backlogBytes >= options.inboxBytes }
                #expect(try server.publish("end", to: "rate.x") == 1)
                #expect(source.fanIn.tally.backlogBytes <= options.inboxBytes + (128 << 10))
                source.gate.open()
                try await source.messages.wait(for: "the end") { $0.last?.payload == Array("end".utf8) }
            }
            #expect(source.messages.value.count == 501)
            #expect(source.states.value == [true, false])
        }
    }

    @Test func tooLargeMessagesAreCut() async throws {
        try await RedisServer.with { server in
            let source = try Source(server, maxMessage: 100)
            try await source.run {
                try server.publish(String(repeating: "a", count: 100), to: "rate.x")
                try server.publish(String(repeating: "b", count: 3_000_000), to: "rate.x")
                try await source.received(2)
            }
            #expect(source.payloads == [String(repeating: "a", count: 100), String(repeating: "b", count: 101)])
            #expect(source.fanIn.tally.cut == 1)
        }
    }

    @Test func subscriptionIsFoundAgain() async throws {
        try await RedisServer.with { server in
            let source = try Source(server)
            try await source.run {
                server.kill()
                try await source.states.wait(for: "the end of it") { $0.last == false }
                try await server.restart()
                try await source.states.wait(for: "the subscription") { $0.last == true }
                #expect(try server.publish("1", to: "rate.x") == 1)
                try await source.received(1)
                #expect(try server.disconnectClients() == 1)
                try await eventually("it is back") { try server.publish("2", to: "rate.x") == 1 }
                try await source.received(2)
            }
            #expect(source.payloads == ["1", "2"])
            #expect(source.fanIn.tally.reconnects == 2)
        }
    }

    @Test func subscriberThatRedisGivesUpOnComesBack() async throws {
        var setup = RedisServer.Setup()
        setup.arguments = ["--client-output-buffer-limit", "pubsub 1mb 1mb 1"]
        var options = RedisOptions.quick
        options.inboxBytes = 64 << 10
        try await RedisServer.with(setup) { [options] server in
            let source = try Source(server, options: options)
            try await source.run {
                source.gate.close()
                let payload = String(repeating: "x", count: 100_000)
                try await eventually("Redis gives up") {
                    try server.publish(payload, to: "rate.x") == 0
                }
                source.gate.open()
                try await source.states.wait(for: "the subscription") { $0.count >= 3 && $0.last == true }
                #expect(try server.publish("end", to: "rate.x") == 1)
                try await source.messages.wait(for: "the end") { $0.last?.payload == Array("end".utf8) }
            }
        }
    }
}
