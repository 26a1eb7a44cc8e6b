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
        let store = hub.storage.sources
        let service = try SourcesService(
            settings.sources,
            store: store,
            board: hub.sources,
            on: group,
            logger: logger
        ) {
            HubSink(store: store, publisher: hub.publisher)
        }
        return [service]
    }
}
