// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import EventLog
import Hub
import Logging
import NIOCore
import RateSource
import ServiceLifecycle
import WebSocketClient

/// The rate sources, as a service of the process.
struct RatesService: Service, CustomStringConvertible {
    let description = "rates"
    private let service: RateService
    private let client: HTTPClient

    /// - Parameters:
    ///   - store: Leadership and stored state of the sources.
    ///   - board: Receives the health of the exchanges.
    ///   - makeSink: Where the rates go.
    init(
        _ exchanges: [Exchange],
        store: any SourceStore,
        board: SourceBoard,
        on group: any EventLoopGroup,
        logger: Logger,
        makeSink: @escaping @Sendable () -> any SourceSink
    ) throws(ConfigurationFault) {
        let client = ChainsService.client(on: group)
        self.client = client
        do throws(WebSocketURL.Invalid) {
            self.service = try RateService(
                exchanges,
                store: store,
                client: client,
                on: group,
                logger: logger,
                makeSink: makeSink,
                report: { board.report($0) },
                withdraw: { board.withdraw($0) }
            )
        } catch {
            throw ConfigurationFault("the websocket of an exchange: \(error)")
        }
    }

    func run() async {
        await cancelWhenGracefulShutdown { await self.service.run() }
        try? await self.client.shutdown()
    }
}
