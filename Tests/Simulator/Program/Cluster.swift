// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Logging
import NIOCore

/// The nodes of a run, their database, and who publishes and subscribes.
final class Cluster: @unchecked Sendable {
    let scenario: Scenario
    let commitLog = CommitLog()
    let store: SimulatedStore
    private(set) var nodes: [Node] = []
    private(set) var clients: [SimulatedClient] = []
    private(set) var publisher: SimulatedPublisher?
    private(set) var source: SimulatedSource?
    let tokens: Tokens
    /// How long a message takes between a client or publisher and a node.
    var networkDelay = 0.000_1...0.005 { didSet { self.networkChanged = Simulation.current.now } }
    private var networkChanged: Int64 = 0

    /// Whether the network has been fast for some time.
    func isNetworkFast(for length: Duration) -> Bool {
        self.networkDelay.upperBound < 0.01 && Simulation.current.now > self.networkChanged + length.nanoseconds
    }

    init(_ scenario: Scenario) {
        self.scenario = scenario
        var random = SeededRandom(seed: scenario.seed)
        self.store = SimulatedStore(isShared: scenario.nodes > 1, commitLog: self.commitLog)
        self.tokens = Tokens(lifetime: scenario.tokenLifetime)
        let server = Pool("database", skew: .zero, loops: [])
        self.nodes = (0..<scenario.nodes).map { index in
            Node(index, cluster: self, server: server, random: SeededRandom(seed: random.seed()))
        }
        self.publisher = SimulatedPublisher(cluster: self, random: SeededRandom(seed: random.seed()))
        self.source = SimulatedSource(cluster: self, random: SeededRandom(seed: random.seed()))
        self.clients = scenario.clients.indices.map { index in
            SimulatedClient(index, scenario.clients[index], cluster: self, random: SeededRandom(seed: random.seed()))
        }
    }

    /// The buses of the nodes that run.
    var buses: [SimulatedBus] { self.nodes.compactMap(\.bus) }

    func start() {
        for node in self.nodes { node.start() }
        for client in self.clients { client.start() }
        self.source?.start()
    }
}

/// Issues tokens: `user|issued|expires`, in milliseconds.
final class Tokens: @unchecked Sendable {
    private let lifetime: Duration
    /// When the tokens of a user were revoked, by the clock without skew.
    var revoked: [String: Int64] = [:]

    init(lifetime: Duration) {
        self.lifetime = lifetime
    }

    func issue(to user: String) -> String {
        let now = Timestamp.now
        return "\(user)|\(now.nanoseconds)|\(now.advanced(by: self.lifetime).nanoseconds)"
    }

    /// - Returns: The user, and when the token was issued and expires.
    static func parts(of token: String) -> (user: String, issued: Timestamp, expires: Timestamp)? {
        let parts = token.split(separator: "|")
        guard parts.count == 3, let issued = Int64(parts[1]), let expires = Int64(parts[2]) else { return nil }
        return (String(parts[0]), Timestamp(nanoseconds: issued), Timestamp(nanoseconds: expires))
    }

    static let verifier = TokenVerifier { token in
        guard let (user, issued, expires) = Tokens.parts(of: token) else { return .settled(.failure(.invalid("bad"))) }
        guard expires > .now else { return .settled(.failure(.expired)) }
        return .settled(.success(Principal(subject: user, expires: expires, issued: issued)))
    }
}

/// One node: the real hub on simulated loops. A crash abandons everything, a stop is graceful.
final class Node: @unchecked Sendable {
    enum State {
        case down
        case starting
        case up
        case stopping
    }

    let index: Int
    private let cluster: Cluster
    private let server: Pool
    private var random: SeededRandom
    private(set) var state = State.down
    private(set) var hub: Hub?
    private(set) var loops: [SimulatedLoop] = []
    private(set) var pool: Pool?
    private(set) var bus: SimulatedBus?
    private(set) var tape: SimulatedTape?
    private(set) var connections: [SimulatedConnection] = []
    /// How many things delay what it does: it is frozen, or storage is in trouble.
    private var troubles = 0
    private var troubledUntil: Int64 = 0
    /// What is wrong with the node's connections, also after a restart.
    var storageTrouble = StorageTrouble.none { didSet { self.tape?.trouble = self.storageTrouble } }
    var busTrouble = BusTrouble.none { didSet { self.bus?.trouble = self.busTrouble } }

    init(_ index: Int, cluster: Cluster, server: Pool, random: SeededRandom) {
        self.index = index
        self.cluster = cluster
        self.server = server
        self.random = random
    }

    func start() {
        guard self.state == .down else { return }
        let scenario = self.cluster.scenario
        let skew = self.random.time(-0.05...0.05)
        let loops = (0..<scenario.loops).map { SimulatedLoop("node \(self.index), loop \($0)", skew: skew) }
        let pool = Pool("node \(self.index), pool", skew: skew, loops: loops)
        let tape = SimulatedTape(
            self.cluster.store,
            node: self.index,
            server: self.server,
            random: SeededRandom(seed: self.random.seed())
        )
        let bus = SimulatedBus(
            node: self.index,
            cluster: self.cluster,
            isAlone: !scenario.hasBus,
            queue: pool.queue,
            random: SeededRandom(seed: self.random.seed())
        )
        tape.trouble = self.storageTrouble
        bus.trouble = self.busTrouble
        (self.loops, self.pool, self.tape, self.bus) = (loops, pool, tape, bus)
        var configuration = scenario.hub
        configuration.node = "node-\(self.index)"
        let access = SimulatedAccess(tape: tape)
        let base = self.cluster.store.base
        let hub = Hub(
            configuration: configuration,
            storage: Storage(tape: tape, sources: base, fanIn: base, revocations: access, audit: access),
            bus: bus,
            fanIn: self.cluster.source?.ports(for: self, queue: pool.queue, tape: tape),
            loops: loops,
            framing: .counted,
            verifier: Tokens.verifier,
            logger: Logger(label: "node") { _ in SwiftLogNoOpLogHandler() }
        )
        self.hub = hub
        self.state = .starting
        Simulation.current.trace("node \(self.index) starts")
        Task(executorPreference: pool) {
            while (try? await hub.loadRevocations()) == nil { try? await Task.sleep(for: .milliseconds(200)) }
            self.started(hub)
            await hub.run()
            self.stopped(hub)
        }
    }

    private func started(_ hub: Hub) {
        if self.hub === hub { self.state = .up }
    }

    private func stopped(_ hub: Hub) {
        guard self.hub === hub, self.state == .stopping else {
            return Simulation.current.fail("node \(self.index) stopped by itself")
        }
        Simulation.current.trace("node \(self.index) has stopped")
        self.abandon()
    }

    /// Everything of the process is gone; the database and the network continue.
    func crash() {
        guard self.state != .down else { return }
        Simulation.current.trace("node \(self.index) crashes")
        for loop in self.loops { loop.queue.stop() }
        self.pool?.queue.stop()
        let (queue, leadership) = (self.pool?.queue, self.cluster.store.leadership)
        Simulation.current.after(self.random.time(0...2)) { leadership.release(of: queue) }
        for connection in self.connections { connection.nodeIsGone() }
        self.abandon()
    }

    private func abandon() {
        self.state = .down
        self.connections = []
        // The hub is never released: its tasks remain suspended where they were.
        if let hub = self.hub { self.graves.append(hub) }
        (self.hub, self.pool, self.tape, self.bus) = (nil, nil, nil, nil)
    }

    private var graves: [Hub] = []

    /// Shuts down as after SIGTERM.
    func stop(drainingOver window: Duration) {
        guard self.state == .up, let hub = self.hub, let pool = self.pool else { return }
        Simulation.current.trace("node \(self.index) drains and stops")
        self.state = .stopping
        Task(executorPreference: pool) {
            await hub.drain(over: window)
            hub.shutDown()
        }
    }

    func freeze(_ isFrozen: Bool) {
        Simulation.current.trace("node \(self.index) \(isFrozen ? "freezes" : "continues")")
        for queue in self.loops.map(\.queue) + [self.pool?.queue].compactMap(\.self) { queue.isFrozen = isFrozen }
        self.trouble(isFrozen)
        guard isFrozen, let queue = self.pool?.queue else { return }
        let leadership = self.cluster.store.leadership
        Simulation.current.after(.seconds(1)) { if queue.isFrozen { leadership.release(of: queue) } }
    }

    /// Something begins or ends to delay what the node does.
    func trouble(_ begins: Bool) {
        self.troubles += begins ? 1 : -1
        self.troubledUntil = Simulation.current.now
    }

    /// Whether nothing has delayed it for some time before a moment.
    func isHealthy(for length: Duration, before moment: Int64) -> Bool {
        self.troubles == 0 && moment > self.troubledUntil + length.nanoseconds
    }

    // MARK: - Connections

    /// A client wants to connect.
    func accept(_ connection: SimulatedConnection) {
        let loop = self.random.one(of: self.loops)
        connection.loop = loop
        self.connections.removeAll(where: \.isOver)
        self.connections.append(connection)
        loop.execute {
            guard let hub = self.hub, hub.isReady, hub.rejection(on: loop) == nil,
                let session = hub.makeSession(on: loop, transport: connection)
            else { return connection.refuse() }
            connection.opened(session)
        }
    }
}
