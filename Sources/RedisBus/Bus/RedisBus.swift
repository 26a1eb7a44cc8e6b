// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging
package import NIOCore
import Synchronization

/// Connects nodes over Redis pub/sub, with one connection for publishing and one for subscribing; both reconnect.
///
/// Redis pub/sub stores nothing: events announced without a connection, or faster than they can be sent, are dropped
/// and counted, and receivers detect the gap by the numbers. Pub/sub ignores Redis databases, so buses of different
/// tapes need different channels, see ``channel(forTape:)``.
///
/// Anyone who can publish to the channel could forge messages, so they are sealed (``BusSeal``). A refused message only
/// indicates that something may have been missed.
package final class RedisBus: Bus {
    /// Counters since the start.
    package struct Tally: Sendable, Equatable {
        /// Announced events, counted once per channel.
        package var announced = 0
        /// Those of ``announced`` that were not sent.
        package var dropped = 0
        /// Messages sent.
        package var sentMessages = 0
        /// Events received from other nodes.
        package var received = 0
        /// Messages from other nodes.
        package var receivedMessages = 0
        /// Messages that are malformed or of another version.
        package var malformed = 0
        /// Messages without a valid seal of this hub, and replayed messages.
        package var refused = 0
        /// Reconnects of either connection.
        package var reconnects = 0
        /// Bytes queued to be sent.
        package var outgoingBytes = 0
        /// Received bytes queued for the hub.
        package var backlogBytes = 0
        package var reach = BusReach.cut
    }

    private struct State {
        var isAnnouncing = false
        var isListening = false
        var received = 0
        var receivedMessages = 0
        var malformed = 0
        var refused = 0
        var heard = HeardNodes()
        var log = LogThrottle()
        /// Called when revocations change, while there is a receiver.
        var revoked: (@Sendable () -> Void)?

        var reach: BusReach {
            self.isAnnouncing && self.isListening ? .connected : .cut
        }
    }

    private let announcer: Announcer
    private let listener: Listener<[ChannelBatch]>
    private let links: (announcing: RedisLink, listening: RedisLink)
    private let state: SharedState

    /// State changed by the callbacks of both connections; separate, so that they do not reference the bus.
    private final class SharedState: Sendable {
        let value = Mutex(State())
        private let reachChanged: @Sendable (BusReach) -> Void

        init(reachChanged: @escaping @Sendable (BusReach) -> Void) {
            self.reachChanged = reachChanged
        }

        /// Called on the loop.
        func change(_ body: (inout State) -> Void) {
            let (before, after) = self.value.withLock { state in
                let before = state.reach
                body(&state)
                return (before, state.reach)
            }
            if before != after { self.reachChanged(after) }
        }
    }

    /// The Redis channel that the nodes of one tape share.
    /// - Parameter tape: Identifies the tape among others on the same Redis, such as its epoch.
    package static func channel(forTape tape: String) -> String {
        "broadtape:commits:" + tape
    }

    /// - Parameters:
    ///   - channel: The Redis channel, shared by all nodes of a tape and by no others.
    ///   - seal: The seal of the channel.
    ///   - instance: Identifies this bus, so that it can drop its own messages.
    ///   - loop: Event loop of both connections, which also encodes and decodes messages.
    ///   - reachChanged: Called on the loop with every change of ``reach``. After `connected`, commits of other nodes
    ///     during the outage have to be read from the tape.
    package init(
        connector: RedisConnector,
        channel: String,
        seal: BusSeal,
        instance: InstanceID = .random(),
        on loop: any EventLoop,
        logger: Logger,
        reachChanged: @escaping @Sendable (BusReach) -> Void = { _ in }
    ) {
        let state = SharedState(reachChanged: reachChanged)
        self.state = state
        self.announcer = Announcer(
            loop: loop,
            channel: channel,
            sender: instance,
            seal: seal,
            options: connector.options
        ) { isOpen in
            state.change { $0.isAnnouncing = isOpen }
        }
        self.listener = Listener(loop: loop, limit: connector.options.inboxBytes) { push in
            Self.read(push.payload, own: instance, seal, state, logger)
        } stateChanged: { ending in
            state.change { $0.isListening = ending == nil }
        }
        self.links = (
            RedisLink(
                connector: connector,
                loop: loop,
                opening: .publish(channel: channel, first: BusMessage.plain(.hello, from: instance)),
                receiver: self.announcer,
                logger: logger
            ),
            RedisLink(
                connector: connector,
                loop: loop,
                opening: .subscribe([channel]),
                receiver: self.listener,
                logger: logger
            )
        )
    }

    package var reach: BusReach {
        self.state.value.withLock { $0.reach }
    }

    package var tally: Tally {
        let counts = self.announcer.counts
        let state = self.state.value.withLock { $0 }
        return Tally(
            announced: counts.announced,
            dropped: counts.dropped,
            sentMessages: counts.messages,
            received: state.received,
            receivedMessages: state.receivedMessages,
            malformed: state.malformed,
            refused: state.refused,
            reconnects: self.links.announcing.reconnects + self.links.listening.reconnects,
            outgoingBytes: self.announcer.backlog,
            backlogBytes: self.listener.backlog,
            reach: state.reach
        )
    }

    package var refused: Int {
        self.state.value.withLock { $0.malformed + $0.refused }
    }

    package func announce(_ commits: [ChannelBatch]) {
        self.announcer.announce(commits)
    }

    package func announceRevocations() {
        self.announcer.announceRevocations()
    }

    package func run(
        _ receive: @Sendable ([ChannelBatch]) async -> Void,
        revoked: @escaping @Sendable () -> Void
    ) async {
        self.state.value.withLock { $0.revoked = revoked }
        defer { self.state.value.withLock { $0.revoked = nil } }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.links.announcing.run() }
            group.addTask { await self.links.listening.run() }
            while let commits = await self.listener.next() {
                await receive(commits)
            }
            group.cancelAll()
        }
    }

    /// Decodes a message on the loop; nil if it contains nothing for this node.
    private static func read(
        _ payload: [UInt8],
        own instance: InstanceID,
        _ seal: BusSeal,
        _ state: SharedState,
        _ logger: Logger
    ) -> (message: [ChannelBatch], bytes: Int)? {
        do throws(BusMessage.Malformed) {
            let header = try BusMessage.header(of: payload)
            guard header.sender != instance, header.kind != .hello else { return nil }
            if let reason = Self.refusal(of: payload, header, seal, state) {
                return Self.refuse(payload, reason, isMalformed: false, state, logger)
            }
            if header.kind == .revocations {
                state.value.withLock { $0.revoked }?()
                return nil
            }
            let commits = try BusMessage(decoding: payload).commits
            guard !commits.isEmpty else { return nil }
            state.value.withLock { state in
                state.receivedMessages += 1
                state.received += commits.reduce(0) { $0 + $1.entries.count }
            }
            return (commits, payload.count)
        } catch {
            return Self.refuse(payload, error.reason, isMalformed: true, state, logger)
        }
    }

    /// Why a message is refused; nil if it is accepted.
    private static func refusal(
        of payload: [UInt8],
        _ header: BusMessage.Header,
        _ seal: BusSeal,
        _ state: SharedState
    ) -> String? {
        guard seal.isGood(payload) else { return "not sealed with this hub's bus-secret" }
        let onMessage = state.value.withLock { state in
            state.heard.received(header.counter, of: header.sender, sent: header.sent, now: .now)
        }
        return switch onMessage {
        case .new: nil
        case .repeated: "received a second time"
        case .untimely: "sent more than \(HeardNodes.freshness) ago or ahead by this node's clock"
        }
    }

    /// Drops a refused message. If another node has sent it, commits may have been missed, so an empty message makes
    /// the hub check the log.
    private static func refuse(
        _ payload: [UInt8],
        _ reason: String,
        isMalformed: Bool,
        _ state: SharedState,
        _ logger: Logger
    ) -> (message: [ChannelBatch], bytes: Int) {
        let count = state.value.withLock { state in
            if isMalformed { state.malformed += 1 } else { state.refused += 1 }
            return state.log.happened(at: .now)
        }
        if let count {
            logger.warning(
                "messages on the bus are refused; other nodes' commits are looked for in the database",
                metadata: ["reason": "\(reason)", "messages": "\(count)"]
            )
        }
        return ([], payload.count + 64)
    }
}

extension BusMessage.Malformed {
    fileprivate var reason: String {
        switch self {
        case .version(0): "not a message from a node"
        case .version(let version): "from a node with protocol version \(version), not \(BusMessage.version)"
        case .content(let offset): "invalid content at byte \(offset)"
        }
    }
}
