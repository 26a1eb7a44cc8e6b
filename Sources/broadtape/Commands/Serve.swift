// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Foundation
import Hub
import Logging
import NIOCore
import NIOPosix
import Server
import ServiceLifecycle
import Terminal
import UnixSignals
import WebSocket

/// `broadtape serve`: one node.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the hub.")

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "Play a trace of events into the hub in a loop, and print commands that show them.")
    var demo: String?

    func run() async throws {
        // A write beyond the file size limit fails instead of ending the process.
        signal(SIGXFSZ, SIG_IGN)
        // Before anything is opened or changed.
        let settings = try await self.options.settings(checksSecrets: true)
        let recentErrors = RecentErrors()
        settings.logFormat.begin(noting: recentErrors)
        var logger = Logger(label: "broadtape")
        logger.logLevel = settings.logLevel
        let descriptors = Self.descriptors(logger)
        let storage = try await settings.database.open(allowsMigration: settings.allowsMigration, logger: logger)
        // Before the hub reports that it listens. Not earlier, so that a long wait for the database can be interrupted.
        let terminations = await UnixSignalsSequence(trapping: .sigterm)
        let hangUps = await UnixSignalsSequence(trapping: .sighup)

        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.loops)
        let authentication = try Authentication(settings, on: group, logger: logger)
        let compression = SocketCompression(settings.edge)
        let redis = try await Redis(
            settings,
            secret: authentication.secret,
            storage: storage,
            on: group.next(),
            logger: logger
        )
        let spans = settings.otlpEndpoint.map { endpoint in
            SpanExporter(endpoint: endpoint, node: settings.hub.node, on: group, logger: logger)
        }
        let hub = Hub(
            configuration: settings.hub,
            storage: storage,
            bus: redis?.bus ?? InProcessBus(),
            fanIn: redis?.fanIn,
            loops: Array(group.makeIterator()),
            framing: .webSocket(compression: compression),
            verifier: authentication.verifier,
            tracing: spans.map { Tracing(sampled: settings.traceSample, record: $0.record) },
            recentErrors: recentErrors,
            logger: logger
        )
        do throws(TapeFault) {
            // Before the first client is accepted.
            try await hub.loadRevocations()
        } catch {
            throw ConfigurationFault(error.explanation)
        }
        let demo = try self.demo.map { try Demo(path: $0, hub: hub) }
        let (addresses, bound) = AsyncStream.makeStream(of: SocketAddress.self, bufferingPolicy: .bufferingNewest(1))
        let listener = Listener(
            configuration: settings.edge,
            hub: hub,
            descriptors: descriptors,
            tls: settings.tls,
            countries: settings.countries,
            compression: compression,
            responder: API(
                hub: hub,
                bodyBytes: settings.edge.bodyBytes,
                services: authentication.credentials.services,
                origins: settings.edge.origins,
                servesPage: settings.servesPage
            ).responder,
            group: group,
            logger: logger
        ) { [logger] address in
            logger.info("listening", metadata: ["address": "\(address)", "pid": "\(ProcessID.current)"])
            bound.yield(address)
            bound.finish()
        }
        let drain = DrainService(hub: hub, window: settings.hub.drainWindow, terminations: terminations)
        let admin = AdminService(
            settings,
            hub: hub,
            published: authentication.published,
            descriptors: descriptors,
            drain: drain.begin,
            group: group,
            logger: logger
        )
        var services: [any Service] = [
            ConnectionsService(listener: listener), HubService(hub: hub), admin, ListenerService(listener: listener),
        ]
        if let sender = redis?.sender { services.append(RedisSenderService(sender: sender)) }
        services += try Self.sources(settings, of: hub, on: group, logger: logger)
        if let spans { services.insert(spans, at: 0) }
        if let renewal = authentication.renewal { services.insert(renewal, at: 0) }
        let candidates: [(any Reloading)?] = [settings.tls, settings.countries]
        let reloader = Reloader(candidates.compactMap { $0 }, logger: logger)
        services.append(ReloadService(reloader: reloader, hangUps: hangUps))
        if let demo {
            services.append(
                DemoService(
                    demo: demo,
                    settings: settings,
                    keys: authentication.credentials.tokens,
                    addresses: addresses,
                    logger: logger
                )
            )
        }
        let draining = ServiceGroupConfiguration.ServiceConfiguration(
            service: drain,
            successTerminationBehavior: .gracefullyShutdownGroup
        )
        let lifecycle = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) } + [draining],
                gracefulShutdownSignals: [.sigint],
                logger: logger
            )
        )
        do {
            try await lifecycle.run()
        } catch let error as IOError {
            let place = "\(settings.edge.host):\(settings.edge.port)"
            throw ConfigurationFault("cannot listen on \(place): \(error.localizedDescription)")
        }
        await listener.waitForConnections()
        try await group.shutdownGracefully()
        logger.info("stopped")
    }

    /// Raises the file descriptor limit, and warns if it is low.
    private static func descriptors(_ logger: Logger) -> Descriptors {
        let descriptors = Descriptors(limit: Descriptors.raiseLimit(), logger: logger)
        if HostExamination.areFew(descriptors: descriptors.limit) {
            logger.warning(
                "few file descriptors: each connection uses one; raise the hard limit of the process",
                metadata: ["limit": "\(descriptors.limit)", "reserve": "\(descriptors.reserve)"]
            )
        }
        return descriptors
    }
}

/// The hub, as a service of the process.
private struct HubService: Service, CustomStringConvertible {
    let hub: Hub
    let description = "hub"

    func run() async {
        await self.hub.run()
    }
}

/// The listener, as a service of the process; it stops before the hub.
private struct ListenerService: Service, CustomStringConvertible {
    let listener: Listener
    let description = "listener"

    func run() async throws {
        try await self.listener.run()
    }
}

/// The HTTP connections, as a service of the process; they stop after the hub.
private struct ConnectionsService: Service, CustomStringConvertible {
    let listener: Listener
    let description = "connections"

    func run() async {
        await self.listener.serveConnections()
    }
}

/// The demonstration, as a service of the process.
private struct DemoService: Service, CustomStringConvertible {
    let description = "demonstration"
    let demo: Demo
    let settings: Settings
    let keys: TokenKeys
    let addresses: AsyncStream<SocketAddress>
    let logger: Logger

    func run() async {
        // Cancellation is how a demonstration ends, so it is not an error.
        await cancelWhenGracefulShutdown {
            for await address in self.addresses {
                let token = try? await self.keys.sign(
                    subject: DemoInstructions.user,
                    scopes: ["publish:*"],
                    expires: Timestamp.now.advanced(by: .seconds(86_400))
                )
                let text = DemoInstructions(self.settings, at: address, token: token).text
                StandardStream.output.post(Array(text.utf8))
                do {
                    try await self.demo.play()
                } catch {
                    guard !Task.isCancelled else { return }
                    self.logger.error("the demonstration has ended", metadata: ["error": "\(error)"])
                }
            }
            try? await gracefulShutdown()
        }
    }
}
