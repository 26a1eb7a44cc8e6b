// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Hub
import Logging
import NIOCore
import NIOPosix
import RateSource
import RedisBus
import ServiceLifecycle
import Synchronization
import UnixSignals

/// `broadtape rate`: reads rates from the configured exchanges, without a hub.
struct RateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rate",
        abstract: "Read rates from exchanges in a process of its own.",
        subcommands: [Run.self],
        defaultSubcommand: Run.self
    )

    /// `broadtape rate run`
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read rates from the configured exchanges and publish them to Redis, for hubs with fan-in.",
            discussion: """
                Published rates are numbered, and the last \(Self.kept) rates of each exchange are kept in a separate \
                database (--outbox), so that a hub that has missed some can request them again.
                """
        )

        /// Number of rates kept per exchange. A hub that has missed more gets the newest of them: the latest wins.
        private static let kept = 1_000

        @OptionGroup var options: ConfigurationOptions

        @Option(help: "Database of the numbered rates: sqlite:PATH or postgres://…")
        var outbox = "sqlite:var/rate.db"

        func run() async throws {
            LogFormat.text.begin()
            let settings = try await self.options.settings()
            var logger = Logger(label: "broadtape-rate")
            logger.logLevel = settings.logLevel
            guard !settings.rates.isEmpty else {
                throw ConfigurationFault("there is no exchange; declare one under \"rates\" of --config FILE")
            }
            guard let address = settings.redis else {
                throw ConfigurationFault("there is no redis to publish to; set --redis, or let the hub read the rates")
            }
            let database = try ChainCommand.Resolve.outbox(self.outbox)
            let storage = try await database.open(allowsMigration: settings.allowsMigration, logger: logger)
            let store = storage.sources
            let connector = try Redis.connector(to: address, name: "broadtape-rate")
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let sink = OutboxSink(store: store, kept: Self.kept)
            let stale = StaleNames()
            let rates = try RatesService(
                settings.rates,
                store: store,
                board: SourceBoard { stale.set($0.map(\.name)) },
                on: group,
                logger: logger
            ) { sink }
            let names = settings.rates.map(\.name)
            let publisher = RatePublisherService(
                names: names,
                outbox: sink,
                sender: RedisSender(connector: connector, on: group.next(), logger: logger),
                asks: RedisFanIn(
                    connector: connector,
                    patterns: names.map { FanInRequest.prefix + "rate.\($0)" },
                    on: group.next(),
                    logger: logger
                ),
                stale: stale,
                logger: logger
            )
            try await ServiceGroup(
                services: [publisher, rates],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            ).run()
            await storage.tape.close()
            try await group.shutdownGracefully()
            logger.info("stopped")
        }
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
private struct RatePublisherService: Service, CustomStringConvertible {
    let description = "rate publisher"
    let names: [String]
    let outbox: OutboxSink
    let sender: RedisSender
    let asks: RedisFanIn
    let stale: StaleNames
    let logger: Logger

    func run() async {
        var made: [String: OutboxPublisher] = [:]
        for name in self.names {
            let (channel, source) = ("rate.\(name)", "rate:\(name)")
            let (sender, stale) = (self.sender, self.stale)
            made[channel] = OutboxPublisher(
                source: source,
                outbox: self.outbox,
                logger: self.logger,
                isFresh: { !stale.contains(source) },
                send: { await sender.send($0, to: channel) }
            )
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
