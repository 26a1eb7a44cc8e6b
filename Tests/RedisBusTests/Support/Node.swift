// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import NIOCore
import NIOPosix
import RedisBus
import Secrets
import TestSupport
import Testing

/// One bus and what came of it.
final class Node: Sendable {
    struct Record: Sendable {
        var commits: [ChannelBatch] = []
        /// Sizes of the messages as they were received, in events.
        var messages: [Int] = []
        /// Every change.
        var reaches: [BusReach] = []
        var isOver = false
        /// Number of revocation notifications.
        var revocations = 0
        /// Number of notifications that messages may have been missed.
        var doubts = 0
    }

    static let channel = RedisBus.channel(forTape: "test")
    static let secret = "a secret of the nodes of these tests"

    let bus: RedisBus
    let record = Watched(Record())
    /// Held up while it works on a message.
    let gate = Gate()

    /// - Parameters:
    ///   - url: Of the server.
    ///   - secrets: The first is signed with.
    init(
        _ url: String,
        channel: String = Node.channel,
        secrets: [String] = [Node.secret],
        options: RedisOptions = .quick
    ) throws {
        let record = self.record
        self.bus = RedisBus(
            connector: try RedisConnector(to: RedisAddress(url), options: options),
            channel: channel,
            seal: BusSeal(try secrets.map { try Secret($0) }, channel: channel),
            on: MultiThreadedEventLoopGroup.singleton.next(),
            logger: .quiet
        ) { reach in
            record.change { $0.reaches.append(reach) }
        }
    }

    func run() async {
        let record = self.record
        await self.bus.run { commits in
            record.change { record in
                guard !commits.isEmpty else { return record.doubts += 1 }
                record.commits += commits
                record.messages.append(commits.reduce(0) { $0 + $1.entries.count })
            }
            await self.gate.pass()
        } revoked: {
            record.change { $0.revocations += 1 }
        }
        self.record.change { $0.isOver = true }
    }

    /// Returns once its reach has changed so often: odd numbers are connections.
    func waitForReaches(_ count: Int) async throws {
        try await self.record.wait(for: "\(count) changes of reach") { $0.reaches.count >= count }
    }

    func connected() async throws {
        try await self.record.wait(for: "the connection") { $0.reaches.last == .connected }
    }

    /// Returns once the events of a channel have come up to a number.
    func received(through seq: Int, of channel: ChannelName = Samples.channel) async throws {
        try await self.record.wait(for: "\(channel) through \(seq)") { $0.commits.seqs(of: channel).last == seq }
    }

    /// Runs buses while `work` does, connected from the start, and waits for their end.
    static func run(
        _ nodes: Node...,
        work: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes {
                group.addTask { await node.run() }
            }
            do {
                for node in nodes { try await node.connected() }
                try await work()
            } catch {
                for node in nodes { node.gate.open() }
                throw error
            }
            group.cancelAll()
        }
    }
}

extension RedisOptions {
    /// Short waits: for tests.
    static var quick: RedisOptions {
        var options = RedisOptions()
        options.pingAfter = .milliseconds(100)
        options.silence = .milliseconds(1000)
        options.backoff.base = .milliseconds(20)
        options.backoff.cap = .milliseconds(100)
        return options
    }
}

extension Logger {
    static var quiet: Logger {
        Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    }
}
