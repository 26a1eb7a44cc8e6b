// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Logging
import NIOCore
import NIOPosix
import RedisBus
import SafeText
import ServiceLifecycle
import Synchronization
import UnixSignals

/// A process without a hub that reads sources, keeps their numbered events in an outbox and publishes them to Redis,
/// for hubs with fan-in: `broadtape chain run` and `broadtape rate run`.
struct OutboxProcess {
    /// Its name in logs and in Redis.
    let name: String
    /// At least one.
    let sources: SourceSettings
    /// How the hub would do the same: "follow the chains".
    let alternative: String
    /// Number of events kept per source.
    var kept = OutboxSink.kept
    /// Whether a stale source becomes silent, so that receivers consider it stale too.
    var silencesStale = false

    /// - Parameters:
    ///   - outbox: Address of the outbox's database.
    ///   - services: Makes further services, which may read the health of the sources.
    func run(
        _ settings: Settings,
        outbox: String,
        services: (SourceBoard) -> [any Service] = { _ in [] }
    ) async throws {
        var logger = Logger(label: self.name)
        logger.logLevel = settings.logLevel
        guard let address = settings.redis else {
            throw ConfigurationFault("there is no redis to publish to; set --redis, or let the hub \(self.alternative)")
        }
        let storage = try await Self.database(outbox).open(allowsMigration: settings.allowsMigration, logger: logger)
        let store = storage.sources
        let connector = try Redis.connector(to: address, name: self.name)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sink = OutboxSink(store: store, kept: self.kept)
        let stale = StaleNames()
        let board = SourceBoard { stale.set($0.map(\.name)) }
        let reading = try SourcesService(self.sources, store: store, board: board, on: group, logger: logger) { sink }
        let sender = RedisSender(connector: connector, on: group.next(), logger: logger)
        var publishers: [String: OutboxPublisher] = [:]
        for source in self.sources.names {
            let channel = source.split(separator: ":", maxSplits: 1).joined(separator: ".")
            publishers[channel] = OutboxPublisher(
                source: source,
                outbox: sink,
                logger: logger,
                isFresh: { [silencesStale = self.silencesStale] in !silencesStale || !stale.contains(source) },
                send: { await sender.send($0, to: channel) }
            )
        }
        let asks = RedisFanIn(
            connector: connector,
            patterns: publishers.keys.map { FanInRequest.prefix + $0 },
            on: group.next(),
            logger: logger
        )
        let publishing = OutboxService(publishers: publishers, sender: sender, asks: asks)
        try await ServiceGroup(
            services: [publishing as any Service] + services(board) + [reading],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        ).run()
        await storage.tape.close()
        try await group.shutdownGracefully()
        logger.info("stopped")
    }

    static func database(_ outbox: String) throws(ConfigurationFault) -> Database {
        guard let database = Database(outbox, password: nil) else {
            throw ConfigurationFault("--outbox is \(Database.expectation), not \"\(Redaction.address(outbox))\"")
        }
        return database
    }
}

/// Names of the sources that are stale now.
private final class StaleNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func set(_ names: [String]) {
        self.names.withLock { $0 = Set(names) }
    }

    func contains(_ name: String) -> Bool {
        self.names.withLock { $0.contains(name) }
    }
}

/// Publishes the contents of the outbox, as a service of the process.
private struct OutboxService: Service, CustomStringConvertible {
    let description = "publisher"
    /// By channel.
    let publishers: [String: OutboxPublisher]
    let sender: RedisSender
    let asks: RedisFanIn

    func run() async {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.sender.run() }
                group.addTask {
                    await self.asks.run { message in
                        guard let request = FanInRequest(message) else { return }
                        await self.publishers[request.channel]?.asked(after: request.after)
                    }
                }
                for publisher in self.publishers.values {
                    group.addTask { await publisher.run() }
                }
            }
        }
    }
}
