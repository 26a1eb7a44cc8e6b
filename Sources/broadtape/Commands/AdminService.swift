// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import NIOCore
import Server
import ServiceLifecycle
import Terminal

/// The admin port, as a service of the process: a port like the public one, with the same limits.
struct AdminService: Service, CustomStringConvertible {
    /// Maximum number of connections: a few operators and their monitoring.
    static let connections = 128
    /// How long requests in progress may delay the end of the process.
    private static let patience: Duration = .seconds(3)

    let description = "admin"
    private let listener: Listener
    private let address: String
    /// Whether the hub stops if the port cannot be bound.
    private let isRequired: Bool
    private let logger: Logger

    /// - Parameters:
    ///   - published: Keys that an issuer publishes, if configured.
    ///   - drain: Drains the node over a time.
    init(
        _ settings: Settings,
        hub: Hub,
        published: PublishedKeys?,
        descriptors: Descriptors,
        drain: @escaping @Sendable (Duration?) -> Void,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        let api = AdminAPI(
            hub: hub,
            process: ProcessFigures(descriptors: descriptors) { StandardStream.error.dropped },
            published: published,
            maxTokenAge: settings.access.rules.maxAge,
            hosts: AdminHosts([settings.adminHost] + settings.adminNames),
            drain: drain
        )
        self.listener = Listener(
            for: .operators,
            configuration: EdgeConfiguration(adminPortOf: settings),
            hub: hub,
            descriptors: descriptors,
            responder: api.responder,
            group: group,
            logger: logger
        ) { address in
            logger.info("admin port", metadata: ["address": "\(address)"])
        }
        self.address = "\(settings.adminHost):\(settings.adminPort)"
        self.isRequired = settings.isAdminPortChosen
        self.logger = logger
    }

    func run() async throws {
        do {
            try await self.listen()
        } catch let error as IOError {
            guard !self.isRequired else {
                throw ConfigurationFault(
                    "cannot listen on the admin port, \(self.address): \(error.localizedDescription)"
                )
            }
            self.logger.warning(
                "no admin port",
                metadata: ["address": "\(self.address)", "error": "\(error.localizedDescription)"]
            )
            try? await gracefulShutdown()
        }
    }

    private func listen() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask { try await self.listener.run() }
                    group.addTask { await self.listener.serveConnections() }
                }
                await self.listener.waitForConnections()
            }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: Self.patience)
            }
            // Whichever comes first: the end of the connections, or the timeout.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

extension EdgeConfiguration {
    /// Configuration of the admin port: the public port's limits, for a few connections.
    init(adminPortOf settings: Settings) {
        self = settings.edge
        self.host = settings.adminHost
        self.port = settings.adminPort
        self.tls = nil
        self.requiresPublisherCertificates = false
        self.compression = false
        self.httpConnections = AdminService.connections
        self.admission.connections = AdminService.connections
        self.admission.trustedProxies = []
        // Operators need access while clients are refused.
        self.admission.memoryBytes = nil
    }
}
