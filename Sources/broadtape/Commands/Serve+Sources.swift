// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Logging
import NIOCore
import ServiceLifecycle

extension Serve {
    /// The service of the hub's process that reads events from chains, mirror nodes and exchanges, if there are any.
    static func sources(
        _ settings: Settings,
        of hub: Hub,
        on group: any EventLoopGroup,
        logger: Logger
    ) throws(ConfigurationFault) -> [any Service] {
        guard !settings.sources.names.isEmpty else { return [] }
        guard let store = hub.tape as? any SourceStore else {
            throw ConfigurationFault(
                "this database cannot store the state of chains or rates; remove them or use another database"
            )
        }
        let service = try SourcesService(
            settings.sources,
            store: store,
            board: hub.sources,
            on: group,
            logger: logger
        ) {
            HubSink(store: store, writer: hub.writer, types: hub.types, limits: settings.hub.intake)
        }
        return [service]
    }
}
