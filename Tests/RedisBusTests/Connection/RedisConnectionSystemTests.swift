// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RedisBus

/// Ways to come to a server, and what is said when it refuses.
@Suite(.system, .timeLimit(.minutes(1))) struct RedisConnectionSystemTests {
    /// Tries to subscribe and returns the first thing that happens: nil is success.
    private static func firstState(_ url: String, options: RedisOptions = .quick) async throws -> RedisEnding? {
        let states = Watched<[RedisEnding?]>([])
        let source = RedisFanIn(
            connector: try RedisConnector(to: RedisAddress(url), options: options),
            on: MultiThreadedEventLoopGroup.singleton.next(),
            logger: .quiet
        ) { ending in
            states.change { $0.append(ending) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await source.run { _ in } }
            try await states.wait(for: "the first state") { !$0.isEmpty }
            group.cancelAll()
        }
        return try #require(states.value.first)
    }

    @Test func passwordsAreChecked() async throws {
        var setup = RedisServer.Setup()
        setup.password = "se cret"
        try await RedisServer.with(setup) { server in
            #expect(try await Self.firstState("redis://:se%20cret@127.0.0.1:\(server.port)") == nil)
            let wrong = try await Self.firstState("redis://:hunter2@127.0.0.1:\(server.port)")
            guard case .refused("AUTH", let reply) = wrong else {
                Issue.record("\(String(describing: wrong))")
                return
            }
            #expect(reply.hasPrefix("WRONGPASS") && !reply.contains("hunter2"))
            let none = try await Self.firstState("redis://127.0.0.1:\(server.port)")
            guard case .refused(_, let words) = none else {
                Issue.record("\(String(describing: none))")
                return
            }
            #expect(words.hasPrefix("NOAUTH"))
        }
    }

    @Test func usersMayDoWhatTheServerLetsThem() async throws {
        var setup = RedisServer.Setup()
        setup.users = [
            "user hub on >secret resetchannels &chain.* &rate.* &broadtape:* +subscribe +psubscribe +publish +ping",
            "user deaf on >secret resetchannels &rate.* +@all",
            "user mute on >secret allchannels +@all -publish",
        ]
        try await RedisServer.with(setup) { server in
            #expect(try await Self.firstState(server.url(user: "hub", password: "secret")) == nil)
            let deaf = try await Self.firstState(server.url(user: "deaf", password: "secret"))
            guard case .refused("PSUBSCRIBE", let words) = deaf else {
                Issue.record("\(String(describing: deaf))")
                return
            }
            #expect(words.hasPrefix("NOPERM"))
            let nobody = try await Self.firstState(server.url(user: "nobody", password: "secret"))
            guard case .refused("AUTH", _) = nobody else {
                Issue.record("\(String(describing: nobody))")
                return
            }
            let hub = try Node(server.url(user: "hub", password: "secret"))
            try await Node.run(hub) {}
            // It may subscribe but not publish: other nodes would not learn of its commits.
            let mute = try Node(server.url(user: "mute", password: "secret"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await mute.run() }
                try await eventually("it listens") {
                    try server.command("PUBSUB", "NUMSUB", Node.channel).hasSuffix("1")
                }
                #expect(mute.bus.reach == .cut)
                group.cancelAll()
            }
        }
    }

    @Test func databasesAndSockets() async throws {
        try await RedisServer.with { server in
            #expect(try await Self.firstState(server.url + "/3") == nil)
            #expect(try await Self.firstState("redis+unix://\(server.socketPath)?db=3") == nil)
            #expect(try await Self.firstState("redis://localhost:\(server.port)") == nil)
            let beyond = try await Self.firstState(server.url + "/99")
            guard case .refused("SELECT", let words) = beyond else {
                Issue.record("\(String(describing: beyond))")
                return
            }
            #expect(words.contains("out of range"))
        }
    }

    @Test func tlsIsVerified() async throws {
        var setup = RedisServer.Setup()
        setup.hasTLS = true
        try await RedisServer.with(setup) { server in
            let (one, two) = (try Node(server.tlsURL), try Node(server.url))
            try await Node.run(one, two) {
                one.bus.announce([Samples.commit(1...300, dataBytes: 5000)])
                try await two.received(through: 300)
                two.bus.announce([Samples.commit(1...300, dataBytes: 5000)])
                try await one.received(through: 300)
            }
            let untrusted = try await Self.firstState("rediss://127.0.0.1:\(server.tlsPort)")
            #expect(untrusted == .unreachable("the server's certificate is not trusted"))
            var options = RedisOptions.quick
            options.connectTimeout = .milliseconds(300)
            // Redis waits for the rest of what it takes for a command.
            let plain = try await Self.firstState("rediss://127.0.0.1:\(server.port)", options: options)
            #expect(plain == .timedOut(milliseconds: 300))
            #expect(plain?.description.contains("TLS") == true)
        }
        let error = #expect(throws: RedisEnding.self) {
            try RedisConnector(to: RedisAddress("rediss://h?ca=/nowhere/ca.pem"))
        }
        #expect(error?.description.contains("/nowhere/ca.pem") == true)
    }

    @Test func serversThatAreNotThereAreNamed() async throws {
        #expect(try await Self.firstState("redis://127.0.0.1:1") == .unreachable("Connection refused"))
        var options = RedisOptions.quick
        options.connectTimeout = .milliseconds(300)
        try await RedisServer.with { [options] server in
            server.pause()
            // The kernel accepts the connection; nobody answers the greeting.
            let ending = try await Self.firstState(server.url, options: options)
            #expect(ending == .timedOut(milliseconds: 300))
        }
    }

    // MARK: - Servers that are none

    /// Answers every connection with fixed bytes.
    private static func withServer(
        answering answer: String,
        _ work: (String) async throws -> Void
    ) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering(answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        do {
            try await work("redis://127.0.0.1:\(port)")
            try await server.close()
        } catch {
            try await server.close()
            throw error
        }
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let answer: String

        init(answer: String) {
            self.answer = answer
        }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: self.answer)), promise: nil)
        }
    }

    @Test(arguments: [
        ("$70000000\r\n", RedisEnding.fault(.replyTooLarge(limit: 64 << 20))),
        ("*2000000000\r\n", .fault(.tooManyElements(limit: 1 << 16))),
        ("+OK\r\n:1\r\n", .fault(.malformed("an answer of the wrong kind"))),
        ("-DENIED protected mode\r\n", .refused(command: "CLIENT SETNAME", reply: "DENIED protected mode")),
        ("+OK\r\n-LOADING\r\n", .refused(command: "PSUBSCRIBE", reply: "LOADING")),
    ]) func strangeServersAreLeft(_ answer: String, _ ending: RedisEnding) async throws {
        try await Self.withServer(answering: answer) { url in
            let first = try await Self.firstState(url)
            #expect(first == ending)
        }
    }
}
