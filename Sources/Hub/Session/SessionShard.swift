// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
package import NIOCore

/// The sessions of one event loop and their subscriptions: where fan-out arrives and is written out.
///
/// Lives on that loop. Delivery walks the local subscriptions and writes to their connections without entering session
/// actors; what was written during a tick leaves in one flush per connection at its end.
package actor SessionShard: LoopActor {
    /// Bounds on the work for readers that are behind, so that they cannot starve live delivery.
    package struct Limits: Sendable {
        /// Replayed per tick for all members, in bytes.
        package var replayBytesPerTick = 1 << 20
        /// Replayed per turn of one member, in bytes.
        package var replayBytesPerTurn = 64 << 10
        /// Pages read from the tape at once for one member.
        package var readsPerMember = 4
        /// Subscriptions of one member.
        package var subscriptionsPerMember = 5_000
        /// Between a heartbeat and the next.
        package var heartbeat: Duration = .seconds(10)
        /// Silence after which a connection counts as dead.
        package var silence: Duration = .seconds(30)
        /// Within which a session authenticates, or subscribes to something public.
        package var authentication: Duration = .seconds(5)
        /// Between two looks at every member; nil is often enough for the shortest of these times.
        package var tick: Duration?
        /// For which a connection may hold up events without taking anything before it is closed, as ``SlowReading``
        /// counts; nil lets it catch up whenever it likes.
        package var slowConsumer: Duration?

        package init() {}
    }

    package nonisolated let loop: any EventLoop
    /// Its number among the node's loops.
    package nonisolated let index: Int
    package nonisolated let limits: Limits
    let framing: Framing
    let registry: ChannelRegistry
    let reader: TapeReader
    let nursery: Nursery
    private let tracing: Tracing?
    var members: [ObjectIdentifier: OutboundSession] = [:]
    /// The channels that the loop follows, or is about to follow.
    var channels: [ChannelName: LocalChannel] = [:]
    /// Channels that have lost their last subscriber on this loop; they learn of it together.
    var left: [EventChannel] = []
    var isLeavingScheduled = false
    /// Members with something to read on, in the order in which they get their turns.
    var turns = Deque<OutboundSession>()
    /// Subscriptions whose read failed; tried again at the next tick.
    var stalled: [Subscription] = []
    var isTurnScheduled = false
    /// The service status for sessions.
    var notice = Notice()
    /// Sessions that may need the notice, in no order.
    var untold: [ObjectIdentifier] = []
    var isTellingScheduled = false
    /// Ticks since stalled reads were tried last.
    var stalledTicks = 0
    /// Connections closed as slow consumers so far.
    package internal(set) var closedSlowConsumers = 0
    /// What the loop has counted.
    var counted = SessionShardMetrics()
    /// Recent event-loop lag, halved per probe.
    var recentLag = TimeAmount.zero
    /// When the loop last came to its probe.
    var probed: NIODeadline?
    /// Batches whose frames wait for the flush.
    private var unsent: [DeliveryContext] = []
    private var unflushed: [OutboundSession] = []
    private var isFlushScheduled = false

    package init(
        index: Int,
        loop: any EventLoop,
        framing: Framing,
        registry: ChannelRegistry,
        reader: TapeReader,
        nursery: Nursery,
        tracing: Tracing? = nil,
        limits: Limits = Limits()
    ) {
        self.tracing = tracing
        self.index = index
        self.loop = loop
        self.framing = framing
        self.registry = registry
        self.reader = reader
        self.nursery = nursery
        self.limits = limits
    }

    /// How many sessions the loop has.
    package var sessionCount: Int {
        self.members.count
    }

    /// How many subscriptions the loop's sessions have.
    package var subscriptionCount: Int {
        self.channels.values.reduce(0) { $0 + $1.subscriptions.count }
    }

    /// What the loop has counted since the start.
    package var figures: SessionShardMetrics {
        self.counted
    }

    /// Subscriptions that are not live.
    package var behindCount: Int {
        self.members.values.reduce(0) { $0 + $1.behind.count + $1.waitingToRead.count + $1.reads } + self.stalled.count
    }

    // MARK: - Members

    /// A connection was opened.
    func enter(_ session: Session, transport: any Transport, now: Timestamp) -> NIOLoopBound<OutboundSession> {
        self.counted.sessions += 1
        let member = OutboundSession(
            session: session,
            transport: transport,
            opened: now,
            nextBeat: now.advanced(by: self.limits.heartbeat),
            authenticationDeadline: now.advanced(by: self.limits.authentication)
        )
        self.members[ObjectIdentifier(session)] = member
        return NIOLoopBound(member, eventLoop: self.loop)
    }

    /// A connection has ended; its subscriptions end with it.
    /// - Parameter code: Of the close.
    func exit(_ member: OutboundSession, code: UInt16) {
        guard self.members.removeValue(forKey: ObjectIdentifier(member.session)) != nil else { return }
        member.isEnded = true
        self.counted.close(code)
        for subscription in member.subscriptions.values {
            self.detach(subscription)
        }
        member.subscriptions = [:]
        member.behind = []
        member.waitingToRead = []
    }

    /// The session's token was accepted.
    func authenticated(_ member: OutboundSession, _ principal: Principal) {
        member.authenticationDeadline = nil
        member.principal = principal
    }

    // MARK: - Delivery

    /// Channels that this loop follows have changed.
    package func deliver(_ changes: [LocalChange], of batch: DeliveryContext = DeliveryContext()) {
        var isWritten = false
        for change in changes {
            let local = change.channel.value
            local.state.apply(change.change)
            switch change.change {
            case .events(let run, _, _):
                if self.deliver(run, to: local.subscriptions) { isWritten = true }
            case .head(let head):
                for subscription in local.subscriptions where subscription.cursor.learned(head: head) {
                    subscription.member.behind.append(subscription)
                    self.queueTurn(of: subscription.member)
                }
            case .first, .newest:
                break
            }
        }
        // Only what a flush will follow on: those who are behind read it another time.
        if isWritten { self.unsent.append(batch) }
    }

    /// - Returns: Whether anything was written.
    private func deliver(_ run: FrameRun, to subscriptions: ContiguousArray<Subscription>) -> Bool {
        var isWritten = false
        for subscription in subscriptions {
            let member = subscription.member
            switch subscription.cursor.published(
                first: run.first,
                last: run.last,
                isWritable: subscription.interval == nil && member.eventWriter.isWritable
            ) {
            case .deliver(let seq):
                if let frames = run.frames(from: seq, compressed: member.takesCompressedRuns) {
                    self.writeRun(frames, to: member)
                    isWritten = true
                }
            case .ignore:
                break
            case .fellBehind:
                if subscription.interval == nil { self.counted.fallsBehind += 1 }
                if run.first > subscription.cursor.next { self.counted.gaps += 1 }
                member.behind.append(subscription)
                self.queueTurn(of: member)
            }
        }
        return isWritten
    }

    func write(_ frames: ByteBuffer, to member: OutboundSession) {
        member.eventWriter.write(frames)
        self.needsFlush(member)
    }

    /// Writes frames that others get as well.
    func writeRun(_ frames: ByteBuffer, to member: OutboundSession) {
        member.eventWriter.writeRun(frames)
        self.needsFlush(member)
    }

    private func needsFlush(_ member: OutboundSession) {
        guard !member.isUnflushed else { return }
        member.isUnflushed = true
        self.unflushed.append(member)
        guard !self.isFlushScheduled else { return }
        self.isFlushScheduled = true
        self.execute { $0.flush() }
    }

    /// Writes a control message to a session, in order with its events.
    func write(_ message: ServerMessage, to member: OutboundSession) {
        self.write(self.framing.frame(message.encoded()), to: member)
    }

    private func trace(_ batch: DeliveryContext, now: NIODeadline) {
        guard let tracing, !batch.traces.isEmpty else { return }
        let end = Timestamp.now
        let start = end.advanced(by: .nanoseconds(-(now - batch.time).nanoseconds))
        tracing.told(batch.traces, on: self.index, from: start, to: end)
    }

    private func flush() {
        self.isFlushScheduled = false
        var members: [OutboundSession] = []
        swap(&members, &self.unflushed)
        defer {
            // The list's memory serves the next tick, unless that has begun or the list is unusually long.
            if self.unflushed.isEmpty, members.count <= 4_096 {
                members.removeAll(keepingCapacity: true)
                swap(&members, &self.unflushed)
            }
        }
        for member in members {
            member.isUnflushed = false
            member.eventWriter.flush()
            if !member.behind.isEmpty { self.queueTurn(of: member) }
        }
        guard !self.unsent.isEmpty else { return }
        let now = NIODeadline.now()
        for batch in self.unsent {
            self.counted.commitToSend.observe(now - batch.time)
            self.trace(batch, now: now)
        }
        self.unsent.removeAll(keepingCapacity: true)
    }
}
