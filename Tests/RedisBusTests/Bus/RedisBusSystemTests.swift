// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore
import NIOPosix
import RedisBus
import TestSupport
import Testing

@Suite(.system, .timeLimit(.minutes(1))) struct RedisBusSystemTests {
    private static let balance = ChannelName(type: "balanceUpdate", key: "u_1")

    @Test func commitsReachTheOthersInOrderAndNotTheSender() async throws {
        try await RedisServer.with { server in
            let (one, two, three) = (try Node(server.url), try Node(server.url), try Node(server.url))
            try await Node.run(one, two, three) {
                for seq in 1...200 {
                    one.bus.announce([Samples.commit(seq...seq)])
                    two.bus.announce([Samples.commit(seq...seq, of: Self.balance)])
                }
                for node in [two, three] { try await node.received(through: 200) }
                for node in [one, three] { try await node.received(through: 200, of: Self.balance) }
            }
            #expect(two.record.value.commits.seqs() == Array(1...200))
            #expect(three.record.value.commits.seqs() == Array(1...200))
            #expect(three.record.value.commits.seqs(of: Self.balance) == Array(1...200))
            #expect(three.record.value.commits.flatMap(\.entries).contains(Samples.entry(77)))
            #expect(one.record.value.commits.seqs().isEmpty)
            let tally = one.bus.tally
            #expect(tally.announced == 200 && tally.dropped == 0 && tally.received == 200 && tally.malformed == 0)
            #expect(tally.sentMessages > 0 && tally.reconnects == 0 && tally.outgoingBytes == 0)
        }
    }

    @Test func busesOfOtherTapesHearNothing() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            let stranger = try Node(server.url, channel: RedisBus.channel(forTape: "other"))
            try await Node.run(one, two, stranger) {
                one.bus.announce([Samples.commit(1...1)])
                try await two.received(through: 1)
                // Redis delivers in order, so what would have come is there before this.
                stranger.bus.announce([Samples.commit(1...1)])
                #expect(try server.publish("x", to: RedisBus.channel(forTape: "other")) == 1)
                try await stranger.bus.eventually { $0.malformed == 1 }
            }
            #expect(stranger.record.value.commits.isEmpty)
        }
    }

    @Test func largeBatchesAreSplit() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            try await Node.run(one, two) {
                one.bus.announce([Samples.commit(1...2000, dataBytes: 1000)])
                one.bus.announce([Samples.commit(2001...2001, dataBytes: 1 << 20), Samples.commit(2002...2002)])
                try await two.received(through: 2002)
            }
            #expect(two.record.value.commits.seqs() == Array(1...2002))
            #expect(two.record.value.messages.count >= 9)
            #expect((two.record.value.messages.max() ?? 0) <= 262)
        }
    }

    @Test func strangeMessagesAreCountedAndDropped() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            try await Node.run(one, two) {
                for message in ["", "btc", "{}", "btc\u{1}" + String(repeating: "x", count: 40)] {
                    try server.publish(message, to: Node.channel)
                }
                one.bus.announce([Samples.commit(1...1)])
                try await two.received(through: 1)
            }
            #expect(two.bus.tally.malformed == 4)
            #expect(two.record.value.commits.seqs() == [1])
            #expect(two.record.value.reaches == [.connected, .cut])
        }
    }

    // MARK: - Untrusted messages

    /// A message without a valid seal is not delivered, whatever its content, and causes a check of the log.
    @Test func whatNoNodeHasSealedIsNotTold() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            let stranger = try Node(server.url, secrets: ["a secret that is none of the nodes of here"])
            try await Node.run(one, two, stranger) {
                stranger.bus.announce([Samples.commit(1...1)])
                try await two.bus.eventually { $0.refused == 1 }
                try await two.record.wait(for: "the doubt") { $0.doubts == 1 }
                one.bus.announce([Samples.commit(1...2)])
                try await two.received(through: 2)
            }
            #expect(two.record.value.commits.seqs() == [1, 2])
            #expect(stranger.record.value.commits.isEmpty)
            #expect(two.bus.refused == 1 && two.bus.tally.malformed == 0)
        }
    }

    /// A message as it was, sent again, also on the channel of another tape.
    @Test func messagesThatWereHeardAreNotHeardAgain() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            let elsewhere = RedisBus.channel(forTape: "elsewhere")
            let stranger = try Node(server.url, channel: elsewhere)
            let heard = Watched<[[UInt8]]>([])
            let tap = RedisFanIn(
                connector: try RedisConnector(to: RedisAddress(server.url), options: .quick),
                patterns: [Node.channel],
                on: MultiThreadedEventLoopGroup.singleton.next(),
                logger: .quiet
            )
            let sender = RedisSender(
                connector: try RedisConnector(to: RedisAddress(server.url), options: .quick),
                on: MultiThreadedEventLoopGroup.singleton.next(),
                logger: .quiet
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await sender.run() }
                group.addTask { await tap.run { message in heard.change { $0.append(message.payload) } } }
                try await eventually("the tap listens") { tap.tally.isSubscribed }
                try await eventually("the sender sends") { await sender.send([], to: "nowhere") }
                try await Node.run(one, two, stranger) {
                    one.bus.announce([Samples.commit(1...1)])
                    one.bus.announceRevocations()
                    try await two.received(through: 1)
                    try await two.record.wait(for: "the news") { $0.revocations == 1 }
                    // Without those that only say hello.
                    try await heard.wait(for: "the messages") { $0.count { $0[4] != 0 } == 2 }
                    for message in heard.value where message[4] != 0 {
                        for channel in [Node.channel, elsewhere] {
                            #expect(await sender.send(message, to: channel))
                        }
                    }
                    try await two.bus.eventually { $0.refused == 2 }
                    try await stranger.bus.eventually { $0.refused == 2 }
                }
                group.cancelAll()
            }
            #expect(two.record.value.commits.seqs() == [1])
            #expect(two.record.value.revocations == 1)
            #expect(stranger.record.value.commits.isEmpty && stranger.record.value.revocations == 0)
        }
    }

    @Test func oneSecretIsExchangedForAnother() async throws {
        try await RedisServer.with { server in
            let (old, new) = ("the secret that was before, for long", "the secret that will be from now on")
            let (before, between) = (try Node(server.url, secrets: [old]), try Node(server.url, secrets: [old, new]))
            let (turned, after) = (try Node(server.url, secrets: [new, old]), try Node(server.url, secrets: [new]))
            try await Node.run(before, between, turned, after) {
                before.bus.announce([Samples.commit(1...1)])
                for node in [between, turned] { try await node.received(through: 1) }
                turned.bus.announce([Samples.commit(2...2)])
                for node in [between, after] { try await node.received(through: 2) }
                try await before.bus.eventually { $0.refused == 1 }
                #expect(after.bus.tally.refused == 1)
            }
        }
    }

    // MARK: - Outages

    @Test func killedServerIsFoundAgain() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            try await Node.run(one, two) {
                one.bus.announce([Samples.commit(1...1)])
                try await two.received(through: 1)
                server.kill()
                for node in [one, two] { try await node.waitForReaches(2) }
                #expect(one.bus.reach == .cut)
                try await one.bus.eventually { tally in
                    one.bus.announce([Samples.commit(2...2)])
                    return tally.dropped > 0
                }
                try await server.restart()
                for node in [one, two] { try await node.waitForReaches(3) }
                one.bus.announce([Samples.commit(3...3)])
                try await two.received(through: 3)
            }
            #expect(two.record.value.commits.seqs() == [1, 3])
            #expect(two.bus.tally.reconnects >= 2)
        }
    }

    @Test func clientsThatAreCutOffComeBack() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            try await Node.run(one, two) {
                #expect(try server.disconnectClients(named: "broadtape") == 4)
                for node in [one, two] { try await node.waitForReaches(3) }
                one.bus.announce([Samples.commit(1...1)])
                try await two.received(through: 1)
            }
        }
    }

    @Test func pausedServerIsNoticedAndHealed() async throws {
        try await RedisServer.with { server in
            let (one, two) = (try Node(server.url), try Node(server.url))
            try await Node.run(one, two) {
                server.pause()
                for node in [one, two] { try await node.waitForReaches(2) }
                server.resume()
                for node in [one, two] { try await node.connected() }
                one.bus.announce([Samples.commit(1...1)])
                try await two.received(through: 1)
            }
        }
    }

    @Test func announcingToADeadServerIsDroppedAndBounded() async throws {
        var options = RedisOptions.quick
        options.silence = .seconds(30)
        options.outgoingBytes = 1 << 20
        try await RedisServer.with { [options] server in
            let one = try Node(server.url, options: options)
            try await Node.run(one) {
                server.pause()
                for seq in 1...400 {
                    one.bus.announce([Samples.commit(seq...seq, dataBytes: 100_000)])
                    #expect(one.bus.tally.outgoingBytes <= 1 << 20)
                }
                #expect(one.bus.tally.dropped > 200)
                #expect(one.bus.tally.announced == 400)
                server.kill()
                try await one.waitForReaches(2)
                // Either of its connections may be the first to go.
                try await one.bus.eventually { $0.outgoingBytes == 0 }
            }
        }
    }

    @Test func slowReceiverHoldsBackTheServer() async throws {
        var options = RedisOptions.quick
        options.inboxBytes = 256 << 10
        try await RedisServer.with { [options] server in
            let (one, two) = (try Node(server.url), try Node(server.url, options: options))
            try await Node.run(one, two) {
                two.gate.close()
                for seq in 1...400 {
                    one.bus.announce([Samples.commit(seq...seq, dataBytes: 20_000)])
                }
                try await two.bus.eventually { $0.backlogBytes >= options.inboxBytes }
                try await one.bus.eventually { $0.sentMessages > 0 && $0.outgoingBytes == 0 }
                #expect(two.bus.tally.backlogBytes <= options.inboxBytes + (512 << 10))
                two.gate.open()
                try await two.received(through: 400)
            }
            #expect(two.record.value.commits.seqs() == Array(1...400))
            #expect(two.record.value.reaches == [.connected, .cut])
        }
    }

    // MARK: - The end

    @Test func cancellingEndsTheRunAndClosesTheConnections() async throws {
        try await RedisServer.with { server in
            let node = try Node(server.url)
            try await Node.run(node) {}
            #expect(node.record.value.isOver)
            #expect(node.bus.reach == .cut)
            try await eventually("the connections are closed") {
                try server.command("CLIENT", "LIST").contains("name=broadtape") == false
            }
        }
    }

    @Test func cancellingEndsARunThatNeverConnected() async throws {
        // Nobody answers in this network (RFC 5737), and nobody listens at the port.
        for url in ["redis://192.0.2.1:6379", "redis://127.0.0.1:1", "redis+unix:///nowhere/redis.sock"] {
            let node = try Node(url)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await node.run() }
                node.bus.announce([Samples.commit(1...3)])
                group.cancelAll()
                try await node.record.wait(for: "the end") { $0.isOver }
            }
            #expect(node.bus.tally.dropped == 3)
            #expect(node.record.value.reaches.isEmpty)
        }
    }
}

extension RedisBus {
    /// Returns once its tally meets a condition.
    func eventually(_ condition: (Tally) -> Bool) async throws {
        try await TestSupport.eventually("\(self.tally)") { condition(self.tally) }
    }
}
