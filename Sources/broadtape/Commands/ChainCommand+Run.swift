// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChainSource
import EventLog
import Hub
import Logging
import NIOCore
import NIOPosix
import RedisBus
import ServiceLifecycle
import UnixSignals

extension ChainCommand {
    /// `broadtape chain run`
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow the configured chains and publish their events to Redis, for hubs with fan-in.",
            discussion: """
                Published events are numbered and kept in a separate database (--outbox), so that a hub that has \
                missed some can request them again.
                """
        )

        @OptionGroup var options: ConfigurationOptions

        @Option(help: "Database of the numbered events and each chain's checkpoint: sqlite:PATH or postgres://…")
        var outbox = "sqlite:var/chain.db"

        @OptionGroup var progress: ProgressOptions

        func run() async throws {
            LogFormat.text.begin()
            let settings = try await self.options.settings()
            var logger = Logger(label: "broadtape-chain")
            logger.logLevel = settings.logLevel
            guard !settings.chains.isEmpty || !settings.mirrors.isEmpty else {
                throw ConfigurationFault("there is no chain to follow; declare one under \"chains\" of --config FILE")
            }
            guard let address = settings.redis else {
                throw ConfigurationFault(
                    "there is no redis to publish to; set --redis, or let the hub follow the chains"
                )
            }
            let database = try Resolve.outbox(self.outbox)
            let storage = try await database.open(allowsMigration: settings.allowsMigration, logger: logger)
            let store = storage.sources
            let connector = try Redis.connector(to: address, name: "broadtape-chain")
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let names = settings.chains.map(\.chain.name) + settings.mirrors.map(\.mirror.name)
            let sink = OutboxSink(store: store, kept: OutboxSink.kept)
            let board = SourceBoard()
            // A service with nothing to follow would end immediately, and the process with it.
            var services: [any Service] = [CatchUpDisplay(board: board, output: self.progress.output)]
            if !settings.chains.isEmpty {
                services.append(
                    try ChainsService(settings.chains, store: store, on: group, logger: logger, board: board) { sink }
                )
            }
            if !settings.mirrors.isEmpty {
                services.append(
                    MirrorsService(
                        settings.mirrors,
                        store: store,
                        on: group,
                        logger: logger,
                        board: board,
                        makeSink: { sink }
                    )
                )
            }
            let publisher = ChainPublisherService(
                names: names,
                outbox: sink,
                sender: RedisSender(connector: connector, on: group.next(), logger: logger),
                asks: RedisFanIn(
                    connector: connector,
                    patterns: names.map { FanInRequest.prefix + "chain.\($0)" },
                    on: group.next(),
                    logger: logger
                ),
                logger: logger
            )
            services.insert(publisher, at: 0)
            try await ServiceGroup(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            ).run()
            await storage.tape.close()
            try await group.shutdownGracefully()
            logger.info("stopped")
        }
    }
}

/// Publishes the contents of the outbox, as a service of the process.
private struct ChainPublisherService: Service, CustomStringConvertible {
    let description = "chain publisher"
    let names: [String]
    let outbox: OutboxSink
    let sender: RedisSender
    let asks: RedisFanIn
    let logger: Logger

    func run() async {
        var made: [String: OutboxPublisher] = [:]
        for name in self.names {
            let (channel, sender) = ("chain.\(name)", self.sender)
            made[channel] = OutboxPublisher(source: "chain:\(name)", outbox: self.outbox, logger: self.logger) {
                message in
                await sender.send(message, to: channel)
            }
        }
        let publishers = made
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.sender.run() }
                group.addTask {
                    await self.asks.run { message in
                        guard let request = FanInRequest(message) else { return }
                        await publishers[request.channel]?.asked(after: request.after)
                    }
                }
                for publisher in publishers.values {
                    group.addTask { await publisher.run() }
                }
            }
        }
    }
}
