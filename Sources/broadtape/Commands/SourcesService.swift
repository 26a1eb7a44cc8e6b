// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import EventLog
import Hub
import Ingest
import Logging
import NIOCore
import RateSource
import ServiceLifecycle
import WebSocketClient

/// The sources of events, as a service of the process. At least one: without any it would end at once, and the process
/// with it.
struct SourcesService: Service, CustomStringConvertible {
    let description = "sources"
    private let runs: [@Sendable () async -> Void]
    private let client: HTTPClient

    /// - Parameters:
    ///   - store: Leadership and stored state of the sources.
    ///   - board: Receives the health of the sources.
    ///   - makeSink: Makes the destination of the events of a source.
    init(
        _ settings: SourceSettings,
        store: any SourceStore,
        board: SourceBoard,
        on group: any EventLoopGroup,
        logger: Logger,
        makeSink: @escaping @Sendable () -> any SourceSink
    ) throws(ConfigurationFault) {
        let client = Self.client(on: group)
        var runs: [@Sendable () async -> Void] = []
        let withdraw: @Sendable (String) -> Void = { board.withdraw($0) }
        func follow(_ chain: String, of source: String, _ makeSource: (Logger) -> @Sendable () -> any Source) {
            var logger = logger
            logger[metadataKey: "chain"] = "\(chain)"
            let runner = SourceRunner(
                source,
                store: store,
                logger: logger,
                report: board.report,
                withdraw: withdraw,
                makeSource: makeSource(logger)
            )
            runs.append(runner.run)
        }
        for chain in settings.chains {
            follow(chain.chain.name, of: chain.chain.source) { logger in
                Self.chain(chain, client, on: group, logger: logger, makeSink)
            }
        }
        for mirror in settings.mirrors {
            follow(mirror.mirror.name, of: mirror.mirror.source) { logger in
                Self.mirror(mirror, client, logger: logger, makeSink)
            }
        }
        self.client = client
        do throws(WebSocketURL.Invalid) {
            guard !settings.rates.isEmpty else {
                self.runs = runs
                return
            }
            let rates = try RateService(
                settings.rates,
                store: store,
                client: client,
                on: group,
                logger: logger,
                report: board.report,
                withdraw: withdraw,
                makeSink: makeSink
            )
            self.runs = runs + [rates.run]
        } catch {
            throw ConfigurationFault("the websocket of an exchange: \(error)")
        }
    }

    private static func chain(
        _ settings: ChainSettings,
        _ client: HTTPClient,
        on group: any EventLoopGroup,
        logger: Logger,
        _ makeSink: @escaping @Sendable () -> any SourceSink
    ) -> @Sendable () -> any Source {
        let owners = WalletOwners(settings.owners, path: settings.ownersFile, logger: logger)
        return {
            let follower = Follower(
                chain: settings.chain,
                node: HTTPNode(urls: settings.endpoints, client: client, rules: settings.rotation, logger: logger),
                sink: makeSink(),
                users: { owners.users },
                logger: logger
            )
            return EVMChainSource(follower: follower, limits: settings.limits, logger: logger) { wake in
                guard !settings.webSockets.isEmpty else { return nil }
                do throws(Ending) {
                    return try NewHeadsSubscription(settings.webSockets, on: group.next(), logger: logger, wake: wake)
                } catch {
                    logger.error("new blocks are polled only", metadata: ["reason": "\(error)"])
                    return nil
                }
            }
        }
    }

    private static func mirror(
        _ settings: MirrorSettings,
        _ client: HTTPClient,
        logger: Logger,
        _ makeSink: @escaping @Sendable () -> any SourceSink
    ) -> @Sendable () -> any Source {
        let owners = WalletOwners(settings.owners, path: settings.ownersFile, logger: logger)
        return {
            let follower = MirrorFollower(
                mirror: settings.mirror,
                node: HTTPMirror(urls: settings.endpoints, client: client, rules: settings.rotation, logger: logger),
                sink: makeSink(),
                users: { owners.users },
                logger: logger
            )
            return MirrorSource(follower: follower, limits: settings.limits, logger: logger)
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
                for run in self.runs { group.addTask { await run() } }
            }
        }
        try? await self.client.shutdown()
    }
}
