// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import EventLog
import Hub
import Ingest
import Logging
import NIOCore
import ServiceLifecycle
import WebSocketClient

/// The chain followers, as a service of the process.
struct ChainsService: Service, CustomStringConvertible {
    let description = "chains"
    let services: [ChainService]
    let client: HTTPClient

    /// - Parameters:
    ///   - store: Leadership and stored state of the chains.
    ///   - board: Receives the health of the chains.
    ///   - makeSink: Makes the sink for the events of a chain.
    init(
        _ chains: [ChainSettings],
        store: any SourceStore,
        on group: any EventLoopGroup,
        logger: Logger,
        board: SourceBoard,
        makeSink: @escaping @Sendable () -> any SourceSink
    ) throws(ConfigurationFault) {
        let client = Self.client(on: group)
        self.client = client
        var services: [ChainService] = []
        for settings in chains {
            var logger = logger
            logger[metadataKey: "chain"] = "\(settings.chain.name)"
            services.append(
                ChainService(
                    name: settings.chain.name,
                    store: store,
                    limits: settings.runner,
                    logger: logger,
                    makeWatch: try Self.watch(settings, on: group, logger: logger),
                    makeFollower: Self.follower(settings, client, logger: logger, makeSink: makeSink),
                    onReport: { report in
                        if let report { board.report(report) } else { board.withdraw(settings.chain.source) }
                    }
                )
            )
        }
        self.services = services
    }

    private static func follower(
        _ settings: ChainSettings,
        _ client: HTTPClient,
        logger: Logger,
        makeSink: @escaping @Sendable () -> any SourceSink
    ) -> @Sendable () -> Follower {
        let owners = WalletOwners(settings.owners, path: settings.ownersFile, logger: logger)
        return {
            Follower(
                chain: settings.chain,
                node: HTTPNode(urls: settings.endpoints, client: client, rules: settings.rotation, logger: logger),
                sink: makeSink(),
                users: { owners.users },
                logger: logger
            )
        }
    }

    private static func watch(
        _ settings: ChainSettings,
        on group: any EventLoopGroup,
        logger: Logger
    ) throws(ConfigurationFault) -> ChainService.MakeWatch? {
        guard !settings.webSockets.isEmpty else { return nil }
        let addresses: [WebSocketURL]
        do throws(WebSocketURL.Invalid) {
            addresses = try settings.webSockets.map { text throws(WebSocketURL.Invalid) in
                try WebSocketURL(text)
            }
        } catch {
            throw ConfigurationFault("the websocket of chain \(settings.chain.name): \(error)")
        }
        return { wake in
            do throws(Ending) {
                return try NewHeadsSubscription(addresses, on: group.next(), logger: logger, wake: wake)
            } catch {
                logger.error("new blocks are polled only", metadata: ["reason": "\(error)"])
                return nil
            }
        }
    }

    /// Without retries of its own: a failed connection is reported immediately, and the caller decides when to retry.
    static func client(on group: any EventLoopGroup) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5))
        )
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    func run() async {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for service in self.services {
                    group.addTask { await service.run() }
                }
            }
        }
        try? await self.client.shutdown()
    }
}
