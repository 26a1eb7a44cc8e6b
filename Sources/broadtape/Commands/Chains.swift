// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import Client
import Hub
import Logging
import NIOCore
import ServiceLifecycle

/// The chains that a process follows, as a part of its life.
struct ChainsService: Service, CustomStringConvertible {
    let description = "chains"
    let services: [ChainService]
    let client: HTTPClient

    /// - Parameters:
    ///   - store: Where the nodes take turns, and what is remembered.
    ///   - makeSink: Where the events of a chain go.
    init(
        _ chains: [ChainSettings],
        store: any SourceStore,
        on group: any EventLoopGroup,
        logger: Logger,
        makeSink: @escaping @Sendable () -> any SourceSink
    ) throws(ConfigurationFault) {
        let client = Self.client(on: group)
        self.client = client
        self.services = try chains.map { settings throws(ConfigurationFault) in
            let address: HeadWatch.Address?
            do {
                address = try settings.webSocket.map { try HeadWatch.Address($0) }
            } catch {
                throw ConfigurationFault("the websocket of chain \(settings.chain.name): \(error)")
            }
            var chainLogger = logger
            chainLogger[metadataKey: "chain"] = "\(settings.chain.name)"
            let owners = WalletOwners(settings.owners, path: settings.ownersFile, logger: chainLogger)
            return ChainService(
                name: settings.chain.name,
                store: store,
                limits: settings.runner,
                logger: chainLogger,
                makeWatch: address.map { address in
                    { [chainLogger] wake in
                        do throws(Ending) {
                            return try HeadWatch(address, on: group.next(), logger: chainLogger, wake: wake)
                        } catch {
                            chainLogger.error("new blocks are only looked for", metadata: ["reason": "\(error)"])
                            return nil
                        }
                    }
                },
                makeFollower: { [chainLogger] in
                    Follower(
                        chain: settings.chain,
                        node: HTTPNode(urls: settings.endpoints, client: client),
                        sink: makeSink(),
                        users: { owners.users },
                        logger: chainLogger
                    )
                }
            )
        }
    }

    /// Whoever asks decides when to ask again, so a connection that does not come about is told of at once.
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
