// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import ChainSource
import EventLog
import Hub
import Logging
import NIOPosix
import Terminal

/// `broadtape chain`: follows the configured chains, without a hub.
struct ChainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chain",
        abstract: "Follow chains in a process of its own, or resolve a chain that has halted.",
        subcommands: [Run.self, Resolve.self],
        defaultSubcommand: Run.self
    )

    /// `broadtape chain resolve`
    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Continue a chain that was reorganised below its final block.",
            discussion: """
                Goes back to the newest stored block that is still on the chain and reverts all events published \
                since, including final ones. With an SQLite tape, stop the hub first.
                """
        )

        @OptionGroup var options: ConfigurationOptions

        @Argument(help: "Name of the chain in the configuration.")
        var name: String

        @Option(help: "Block to continue from if none of the stored blocks is on the chain any more; reverts nothing.")
        var restartAt: Int?

        @Option(help: "Outbox of `broadtape chain run`, instead of the hub's database (sqlite:PATH).")
        var outbox: String?

        func run() async throws {
            LogFormat.text.begin()
            let settings = try await self.options.settings()
            var logger = Logger(label: "broadtape")
            logger.logLevel = settings.logLevel
            guard !settings.sources.mirrors.contains(where: { $0.mirror.name == self.name }) else {
                throw ConfigurationFault(
                    "\(self.name) is a Hedera network, which has no reorganisations; there is nothing to resolve"
                )
            }
            guard let chain = settings.sources.chains.first(where: { $0.chain.name == self.name }) else {
                throw ConfigurationFault("the configuration has no chain \(self.name)")
            }
            let database = try self.outbox.map { try OutboxProcess.database($0) } ?? settings.database
            let storage = try await database.open(allowsMigration: settings.allowsMigration, logger: logger)
            let store = storage.sources
            let client = SourcesService.client(on: MultiThreadedEventLoopGroup.singleton)
            let sink: any SourceSink =
                self.outbox == nil
                ? HubSink(alone: store, validator: EventValidator(types: settings.hub.types))
                : OutboxSink(store: store, kept: OutboxSink.kept)
            let follower = Follower(
                chain: chain.chain,
                node: HTTPNode(urls: chain.endpoints, client: client, logger: logger),
                sink: sink,
                logger: logger
            )
            let result = await Self.resolve(follower, store, self.name, restartAt: self.restartAt)
            try? await client.shutdown()
            await storage.tape.close()
            switch result {
            case .success(.unneeded): StandardStream.output.print("nothing to do: the node has all stored blocks")
            case .success(.undone(let number, let count)):
                StandardStream.output.print("reverted \(count) blocks, to block \(number)")
            case .success(.restarted(let number)):
                StandardStream.output.print("the chain continues from block \(number)")
            case .failure(let fault): throw ConfigurationFault(fault.description)
            }
        }

        /// Runs with leadership, so that no other process follows the chain.
        private static func resolve(
            _ follower: Follower,
            _ store: any SourceStore,
            _ name: String,
            restartAt: Int?
        ) async -> Result<Follower.Resolution, FollowFault> {
            let (results, continuation) = AsyncStream.makeStream(of: Result<Follower.Resolution, FollowFault>.self)
            do throws(TapeFault) {
                try await store.withLeadership("chain:\(name)") {
                    do throws(FollowFault) {
                        continuation.yield(.success(try await follower.resolve(restartAt: restartAt)))
                    } catch {
                        continuation.yield(.failure(error))
                    }
                }
            } catch {
                continuation.yield(.failure(.again("\(error)")))
            }
            continuation.finish()
            for await result in results { return result }
            return .failure(.again("the chain was not resolved"))
        }
    }
}
