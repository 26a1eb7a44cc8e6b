// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging
package import NIOCore
import ServiceLifecycle
import Synchronization

/// One node: the tape with its writer and reader, the channels with subscribers, and the sessions of every loop.
package final class Hub: Sendable {
    package let configuration: HubConfiguration
    package let storage: Storage
    package let writer: TapeWriter
    package let reader: TapeReader
    package let registry: ChannelRegistry
    package let nursery: Nursery
    package let shards: [SessionShard]
    package let publisher: Publisher
    /// Nil if no spans are recorded.
    package let tracing: Tracing?
    let verifier: TokenVerifier
    package let revocations: Revocations
    package let audit: AuditTrail
    let userConnections: UserConnections
    /// Ingests events that external publishers send over the bus; nil without a source.
    package let fanIn: FanIn?
    /// The state of the sources that run in this node.
    package let sources: SourceBoard
    /// The most recent errors, for operators.
    package let recentErrors: RecentErrors
    let fanout: Fanout
    package let bus: any Bus
    let statusBroadcaster: ServiceStatusBroadcaster
    let monitor: TapeMonitor
    let logger: Logger
    /// Whether messages of the bus may have been missed since heads were last read.
    let hasMissedMessages = Atomic<Bool>(false)
    /// Number of heads read from the tape, in total.
    let polledHeads = Atomic<Int>(0)
    let headsLog = Mutex(LogThrottle())
    /// Channels with announcements of other nodes that the tape must confirm.
    let hints = ChannelHints()
    let draining = Mutex(Draining())
    let admissions = Mutex(TokenBucket())
    private let isRunning = Atomic<Bool>(false)
    private let stopping: AsyncStream<Never>
    private let stop: AsyncStream<Never>.Continuation

    package var tape: any Tape { self.storage.tape }

    package var types: EventTypes {
        self.configuration.types
    }

    /// - Parameters:
    ///   - loops: The event loops of the connections, at least one. The first also runs the writer.
    ///   - fanIn: Where events of external publishers arrive, and the store for their positions.
    ///   - framing: How messages are framed for the connections.
    ///   - tracing: Records spans for events; nil records nothing.
    ///   - recentErrors: Records errors for operators, in addition to the log.
    package init(
        configuration: HubConfiguration,
        storage: Storage,
        bus: any Bus,
        fanIn: FanInPorts? = nil,
        loops: [any EventLoop],
        framing: Framing,
        verifier: TokenVerifier,
        tracing: Tracing? = nil,
        recentErrors: RecentErrors = RecentErrors(),
        logger: Logger
    ) {
        self.tracing = tracing
        self.recentErrors = recentErrors
        precondition(!loops.isEmpty, "a hub needs an event loop")
        let nursery = Nursery(limit: configuration.waits)
        let registry = ChannelRegistry(
            framing: framing,
            budget: RingBudget(limit: configuration.ringBytes),
            loop: loops[0]
        )
        let reader = TapeReader(
            tape: storage.tape,
            registry: registry,
            nursery: nursery,
            pageLimit: configuration.page,
            cacheBytes: configuration.pageCacheBytes
        )
        self.configuration = configuration
        self.storage = storage
        self.reader = reader
        self.nursery = nursery
        self.registry = registry
        self.shards = loops.enumerated().map { index, loop in
            SessionShard(
                index: index,
                loop: loop,
                framing: framing,
                registry: registry,
                reader: reader,
                nursery: nursery,
                tracing: tracing,
                limits: configuration.shard
            )
        }
        let statusBroadcaster = ServiceStatusBroadcaster(shards: self.shards)
        self.statusBroadcaster = statusBroadcaster
        self.sources = SourceBoard { stale in statusBroadcaster.change { $0.setStale(stale, of: .ownSources) } }
        self.monitor = TapeMonitor(statusBroadcaster: statusBroadcaster, logger: logger)
        self.fanout = Fanout(registry: self.registry, shards: self.shards, bus: bus, tracing: tracing)
        self.writer = TapeWriter(
            tape: storage.tape,
            sources: storage.sources,
            fanout: self.fanout,
            monitor: self.monitor,
            loop: loops[0],
            limits: configuration.writer,
            tracing: tracing,
            logger: logger
        )
        self.audit = AuditTrail(
            store: storage.audit,
            node: configuration.node,
            limits: configuration.audit,
            logger: logger
        )
        self.publisher = Publisher(
            validator: EventValidator(types: configuration.types, limits: configuration.intake),
            writer: self.writer,
            rates: PublishRates(configuration.publishRate),
            audit: self.audit,
            recentErrors: recentErrors,
            tracing: tracing
        )
        let publisher = self.publisher
        self.fanIn = fanIn.map { ports in
            FanIn(
                source: ports.source,
                store: ports.store,
                publisher: publisher,
                limits: configuration.fanIn,
                logger: logger,
                onGap: ports.onGap,
                ask: ports.ask,
                onStale: { stale in statusBroadcaster.change { $0.setStale(stale, of: .fanIn) } }
            )
        }
        self.userConnections = UserConnections(limit: configuration.connectionsPerUser)
        self.bus = bus
        self.verifier = verifier
        self.revocations = Revocations(store: storage.revocations)
        self.logger = logger
        (self.stopping, self.stop) = AsyncStream.makeStream()
    }

    /// Creates the session of a connection; nil if the loop does not belong to the hub. Called on that loop.
    /// - Parameter mayPublish: False for a connection that lacks what publishing requires in addition to a token.
    package func makeSession(on loop: any EventLoop, transport: any Transport, mayPublish: Bool = true) -> Session? {
        self.shards.first { $0.loop === loop }.map { shard in
            Session(hub: self, shard: shard, transport: transport, mayPublish: mayPublish)
        }
    }

    // MARK: - Lifecycle

    /// Runs until graceful shutdown: then stops the fan-in, completes the requests submitted to the writer, sends
    /// goodbye to the sessions and closes the tape.
    package func run() async {
        let ticks = self.shards.map { shard in
            shard.loop.scheduleRepeatedTask(initialDelay: self.tickInterval, delay: self.tickInterval) { _ in
                shard.assumeIsolated { $0.tick(now: .now, uptime: .now()) }
            }
        }
        let probes = self.shards.map { shard in
            shard.loop.scheduleRepeatedTask(initialDelay: SessionShard.probeInterval, delay: SessionShard.probeInterval)
            { _ in
                shard.assumeIsolated { $0.probe(uptime: .now()) }
            }
        }
        self.isRunning.store(true, ordering: .relaxed)
        async let writing: Void = self.writer.run()
        async let nursing: Void = self.nursery.run()
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    await self.bus.run(self.receive) { self.revocations.wakeSignal.signal() }
                }
                group.addTask { await self.runMaintenance() }
                group.addTask { await self.watchHeads() }
                group.addTask { await self.followHints() }
                group.addTask { await self.watchTape() }
                group.addTask { await self.watchRevocations() }
                group.addTask { await self.audit.run() }
                if let fanIn = self.fanIn {
                    group.addTask { await fanIn.run() }
                }
                for await _ in self.stopping {}
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.shutDown()
        }
        self.isRunning.store(false, ordering: .relaxed)
        await self.writer.finish()
        await writing
        for shard in self.shards {
            await shard.disconnect(1, spread: self.configuration.drainWindow)
        }
        for tick in ticks + probes {
            tick.cancel()
        }
        self.nursery.finish()
        await nursing
        // Audit records of the last publish requests must be written before the tape closes.
        await self.audit.flush()
        await self.tape.close()
    }

    /// Short enough for the shortest of the monitored timeouts.
    private var tickInterval: TimeAmount {
        let limits = self.configuration.shard
        if let tick = limits.tick { return TimeAmount(tick) }
        let shortest = min(limits.heartbeat, limits.silence, limits.authentication, limits.slowConsumer ?? .seconds(4))
        return TimeAmount(min(.seconds(1), max(.milliseconds(25), shortest / 4)))
    }

    /// Makes ``run()`` end.
    package func shutDown() {
        self.stop.finish()
    }

    /// Why a node accepts no sessions.
    package enum Unreadiness: String, Sendable, CaseIterable {
        /// It is not running yet, or has stopped.
        case stopped
        case draining
        case databaseUnavailable = "database_unavailable"
        /// Requires an operator; it does not recover automatically.
        case databaseDamaged = "database_damaged"
        /// The keys for token verification are not available.
        case keysUnavailable = "keys_unavailable"
    }

    /// Nil while, according to the last attempts, events can be committed and delivered and sessions are accepted.
    package var unreadiness: Unreadiness? {
        if !self.isRunning.load(ordering: .relaxed) { return .stopped }
        if self.monitor.state == .damaged { return .databaseDamaged }
        if !self.monitor.isWell { return .databaseUnavailable }
        if !self.verifier.isReady() { return .keysUnavailable }
        return self.isDraining ? .draining : nil
    }

    /// Whether, according to the last attempts, events can be committed and delivered and sessions are accepted.
    package var isReady: Bool { self.unreadiness == nil }

    /// Number of heads read from the tape, in total.
    package var polledHeadCount: Int {
        self.polledHeads.load(ordering: .relaxed)
    }

    /// Another node has committed events.
    private func receive(_ commits: [ChannelBatch]) async {
        guard !commits.isEmpty else { return self.hasMissedMessages.store(true, ordering: .relaxed) }
        self.hints.add(await self.fanout.receive(announced: commits))
        await self.fanout.waitForRoom()
    }
}
