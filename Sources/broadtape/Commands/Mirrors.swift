// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import EventLog
import Hub
import Ingest
import Logging
import NIOCore
import ServiceLifecycle

/// The Hedera followers, as a service of the process.
struct MirrorsService: Service, CustomStringConvertible {
    let description = "mirrors"
    private let services: [MirrorService]
    private let client: HTTPClient

    /// - Parameters:
    ///   - store: Leadership and stored state of the networks.
    ///   - board: Receives the health of the networks.
    ///   - makeSink: Makes the sink for the events of a network.
    init(
        _ mirrors: [MirrorSettings],
        store: any SourceStore,
        on group: any EventLoopGroup,
        logger: Logger,
        board: SourceBoard,
        makeSink: @escaping @Sendable () -> any SourceSink
    ) {
        let client = ChainsService.client(on: group)
        self.client = client
        self.services = mirrors.map { settings in
            var logger = logger
            logger[metadataKey: "chain"] = "\(settings.mirror.name)"
            let owners = WalletOwners(settings.owners, path: settings.ownersFile, logger: logger)
            return MirrorService(
                name: settings.mirror.name,
                store: store,
                limits: settings.runner,
                logger: logger,
                onReport: { board.report($0) },
                onEnd: { board.withdraw(settings.mirror.source) },
                makeFollower: { [logger] in
                    MirrorFollower(
                        mirror: settings.mirror,
                        node: HTTPMirror(
                            urls: settings.endpoints,
                            client: client,
                            rules: settings.rotation,
                            logger: logger
                        ),
                        sink: makeSink(),
                        users: { owners.users },
                        logger: logger
                    )
                }
            )
        }
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
