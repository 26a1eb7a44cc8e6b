// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Server
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import WebSocket

/// What a test may decide about its server.
struct Setup: Sendable {
    var hub = HubConfiguration()
    var edge = EdgeConfiguration()
    var loops = 1
    var fanIn: FanInPorts?
    var access = AccessStores()
    var services = ServiceAccounts()
    var published: PublishedKeys?
    /// Whether the port is the operators' instead of the public one.
    var isAdmin = false
    /// Whether the operators' port takes WebSockets too, which only tests want.
    var takesSockets = false
    var tls: ServerTLS?
    var countries: BlockedCountries?
    var descriptors: Descriptors?

    init() {
        self.hub.drainWindow = .zero
        // Not between the messages that a test waits for, also on a busy machine.
        self.hub.shard.heartbeat = .seconds(60)
        self.hub.shard.silence = .seconds(120)
        self.hub.probe = .seconds(1_000)
        self.edge.port = 0
    }
}

/// A hub behind a listener on a free port, as `broadtape serve` puts them together.
struct TestServer: Sendable {
    let hub: Hub
    let compression: SocketCompression?
    let tape: GatedTape
    let tokens: Tokens
    let process: ProcessFigures
    let port: Int
    /// Drain durations requested on the admin port; nil is the configured duration.
    let drainOrders: Watched<[Duration?]>
    fileprivate let lifecycle: ServiceGroup
    fileprivate let clients: Clients

    fileprivate final class Clients: Sendable {
        let wires = Mutex<[Wire]>([])
    }

    /// Opens a connection, which is closed at the end of the test.
    /// - Parameter tls: Speaks TLS; nil speaks without.
    func connect(receiveBuffer: Int? = nil, tls: TLSConfiguration? = nil) async throws -> Wire {
        let wire = try await Wire.connect(to: self.port, receiveBuffer: receiveBuffer, tls: tls)
        self.clients.wires.withLock { $0.append(wire) }
        return wire
    }

    /// Sends one request on a connection of its own.
    func request(_ request: Request) async throws -> Answer {
        let wire = try await self.connect()
        try await wire.send(request.text)
        let answer = try await wire.answer(hasBody: request.method != "HEAD")
        await wire.close()
        Recording.current?.answered(request, answer)
        return answer
    }

    /// The heads of all channels: what a refused request must not change.
    func heads() async throws -> [String: Int] {
        let listings = try await self.hub.tape.channels(withPrefix: "", after: nil, limit: 1000)
        return Dictionary(uniqueKeysWithValues: listings.map { ($0.name.description, $0.extent.head) })
    }

    /// Appends events behind the API's back, as one request; each is an object as `POST /events` takes it.
    @discardableResult
    func publish(_ events: String...) async throws -> [Receipt] {
        let items = try events.map { try JSON.Value.parse(Array($0.utf8)) }
        let checked = try self.hub.publisher.validator.events(
            from: items,
            publisher: Principal(subject: "svc", scopes: ["publish:*", "source:*"]),
            now: .now
        )
        guard case .committed(let receipts) = try await self.hub.writer.append(checked) else {
            throw TimedOut(what: "a commit", state: "conflict")
        }
        return receipts
    }

    /// Begins to stop as SIGTERM does: the listener first, then the hub.
    func stop() async {
        await self.lifecycle.triggerGracefulShutdown()
    }

    /// Lets every loop do what is queued.
    func settle() async throws {
        for shard in self.hub.shards {
            try await shard.loop.submit {}.get()
        }
    }

    /// How many sessions the hub has.
    func sessionCount() async -> Int {
        var count = 0
        for shard in self.hub.shards { count += await shard.sessionCount }
        return count
    }

    fileprivate func closeClients() async {
        for wire in self.clients.wires.withLock({ $0 }) {
            await wire.close()
        }
    }

    /// Nothing is left when everyone has gone.
    fileprivate func expectNothingLeaked() async throws {
        try await eventually("all sessions end") { await self.sessionCount() == 0 }
        for shard in self.hub.shards {
            #expect(await shard.subscriptionCount == 0)
        }
        try await eventually("all channels are given up") {
            _ = await self.hub.registry.removeIdle()
            return self.hub.registry.count == 0
        }
    }
}

private struct HubService: Service {
    let hub: Hub

    func run() async {
        await self.hub.run()
    }
}

private struct ConnectionsService: Service {
    let listener: Listener

    func run() async {
        await self.listener.serveConnections()
    }
}

private struct ListenerService: Service {
    let listener: Listener

    func run() async throws {
        try await self.listener.run()
    }
}

/// Runs a server for the length of a body, then ends its clients, stops it and looks for what they left.
func withServer(
    _ setup: Setup = Setup(),
    tape: any Tape = MemoryTape(),
    _ body: (TestServer) async throws -> Void
) async throws {
    let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: setup.loops)
    let tokens = try await Tokens()
    let gated = GatedTape(tape)
    let compression = SocketCompression(setup.edge)
    let hub = Hub(
        configuration: setup.hub,
        storage: Storage(gated, setup.access),
        bus: InProcessBus(),
        fanIn: setup.fanIn,
        loops: Array(group.makeIterator()),
        framing: .webSocket(compression: compression),
        verifier: TokenVerifier { Credentials(tokens: tokens.keys, services: setup.services).verdict(on: $0) },
        logger: logger
    )
    let bound = Watched<Int?>(nil)
    let orders = Watched<[Duration?]>([])
    let onBound: @Sendable (SocketAddress) -> Void = { address in bound.change { $0 = address.port } }
    let descriptors = setup.descriptors ?? Descriptors(limit: Descriptors.raiseLimit(), logger: logger)
    let process = ProcessFigures(descriptors: descriptors) { 0 }
    let listener =
        if setup.isAdmin {
            Listener(
                for: setup.takesSockets ? .everyone : .operators,
                configuration: setup.edge,
                hub: hub,
                descriptors: descriptors,
                compression: compression,
                responder: AdminAPI(hub: hub, process: process, published: setup.published) { window in
                    orders.change { $0.append(window) }
                }.responder,
                group: group,
                logger: logger,
                onBound: onBound
            )
        } else {
            Listener(
                configuration: setup.edge,
                hub: hub,
                descriptors: descriptors,
                tls: setup.tls,
                countries: setup.countries,
                compression: compression,
                responder: API(
                    hub: hub,
                    bodyBytes: setup.edge.bodyBytes,
                    services: setup.services,
                    origins: setup.edge.origins
                ).responder,
                group: group,
                logger: logger,
                onBound: onBound
            )
        }
    let lifecycle = ServiceGroup(
        services: [ConnectionsService(listener: listener), HubService(hub: hub), ListenerService(listener: listener)],
        logger: logger
    )
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await lifecycle.run() }
        try await bound.wait(for: "the port") { $0 != nil }
        let server = TestServer(
            hub: hub,
            compression: compression,
            tape: gated,
            tokens: tokens,
            process: process,
            port: try #require(bound.value),
            drainOrders: orders,
            lifecycle: lifecycle,
            clients: TestServer.Clients()
        )
        let result: Result<Void, any Error>
        do {
            try await eventually("the hub is ready") { hub.isReady }
            try await body(server)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await server.closeClients()
        if case .success = result { try await server.expectNothingLeaked() }
        await server.stop()
        try await tasks.waitForAll()
        await listener.waitForConnections()
        #expect(gated.log.isClosed)
        try result.get()
    }
    try await group.shutdownGracefully()
}
