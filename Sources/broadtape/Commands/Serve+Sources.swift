// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Logging
import NIOCore
import ServiceLifecycle

extension Serve {
    /// Services of the hub's process that read events from chains, mirror nodes and exchanges.
    static func sources(
        _ settings: Settings,
        of hub: Hub,
        on group: any EventLoopGroup,
        logger: Logger
    ) throws(ConfigurationFault) -> [any Service] {
        guard !settings.chains.isEmpty || !settings.mirrors.isEmpty || !settings.rates.isEmpty else { return [] }
        let store = hub.storage.sources
        let makeSink: @Sendable () -> any SourceSink = {
            HubSink(store: store, publisher: hub.publisher)
        }
        let board = hub.sources
        var services: [any Service] = []
        // A service with nothing to follow would end immediately, and the process with it.
        if !settings.chains.isEmpty {
            services.append(
                try ChainsService(
                    settings.chains,
                    store: store,
                    on: group,
                    logger: logger,
                    board: board,
                    makeSink: makeSink
                )
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
                    makeSink: makeSink
                )
            )
        }
        if !settings.rates.isEmpty {
            services.append(
                try RatesService(settings.rates, store: store, board: board, on: group, logger: logger) {
                    makeSink()
                }
            )
        }
        return services
    }
}
