// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
package import NIOCore

/// The sessions of one event loop and their subscriptions: receives events from the fan-out and writes them to the
/// connections.
///
/// Runs on that loop. Delivery iterates over the local subscriptions and writes to their connections without calling
/// session actors. The output of a tick is sent with one flush per connection at the end of the tick.
package actor SessionShard: LoopActor {
    /// Timeouts, and limits on the work for readers that are behind, so that they cannot starve live delivery.
    package struct Limits: Sendable {
        /// Maximum size of the events replayed per tick for all sessions, in bytes.
        package var replayBytesPerTick = 1 << 20
        /// Maximum size of the events replayed per turn of one session, in bytes.
        package var replayBytesPerTurn = 64 << 10
        /// Maximum number of concurrent page reads for one session.
        package var readsPerMember = 4
        /// Maximum number of subscriptions of one session.
        package var subscriptionsPerMember = 5_000
        /// Interval between two heartbeats.
        package var heartbeat: Duration = .seconds(10)
        /// Time without received data after which a connection is considered dead.
        package var silence: Duration = .seconds(30)
        /// Time within which a session must authenticate or subscribe to a public channel.
        package var authentication: Duration = .seconds(5)
        /// Interval between two checks of all sessions; nil derives it from the shortest of these times.
        package var tick: Duration?
        /// How long a connection may block events without accepting bytes before it is closed, as measured by
        /// ``SlowReading``; nil for no limit.
        package var slowConsumer: Duration?

        package init() {}
    }

    package nonisolated let loop: any EventLoop
    /// The index of the loop.
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
    /// Channels that have lost their last subscriber on this loop; they are unfollowed together.
    var left: [EventChannel] = []
    var isLeavingScheduled = false
    /// Sessions with subscriptions to catch up, in the order of their turns.
    var turns = Deque<OutboundSession>()
    /// Subscriptions whose read failed; retried at the next tick.
    var stalled: [Subscription] = []
    var isTurnScheduled = false
    /// The current service status for clients.
    var notice = Notice()
    /// Sessions to which the notice may have to be sent, unordered.
    var pendingNotices: [ObjectIdentifier] = []
    var isNoticeScheduled = false
    /// Ticks since stalled reads were last retried.
    var stalledTicks = 0
    /// Number of connections closed as slow consumers.
    package internal(set) var closedSlowConsumers = 0
    /// The loop's metrics.
    var counted = SessionShardMetrics()
    /// The recent lag of the loop.
    var recentLag = TimeAmount.zero
    /// When the loop last ran its probe.
    var probed: NIODeadline?
    /// Batches whose frames have not been flushed yet.
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

    /// Number of sessions on the loop.
    package var sessionCount: Int {
        self.members.count
    }

    /// Number of subscriptions of the loop's sessions.
    package var subscriptionCount: Int {
        self.channels.values.reduce(0) { $0 + $1.subscriptions.count }
    }

    /// The loop's metrics since the start.
    package var figures: SessionShardMetrics {
        self.counted
    }

    /// Number of subscriptions that are not live.
    package var behindCount: Int {
        self.members.values.reduce(0) { $0 + $1.behind.count + $1.waitingToRead.count + $1.reads } + self.stalled.count
    }

    // MARK: - Sessions

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
    /// - Parameter code: The close code.
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
        // Only if a flush will follow; subscriptions that are behind read the events later.
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

    /// Writes frames that are shared with other connections.
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
        tracing.delivered(batch.traces, on: self.index, from: start, to: end)
    }

    private func flush() {
        self.isFlushScheduled = false
        var members: [OutboundSession] = []
        swap(&members, &self.unflushed)
        defer {
            // The array's memory is reused for the next tick, unless that has begun or the array is unusually large.
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
