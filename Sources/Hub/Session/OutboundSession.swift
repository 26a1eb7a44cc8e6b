// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
package import NIOCore

/// The part of a session that the event loop uses for delivery: its connection, subscriptions and deadlines. Owned by a
/// ``SessionShard``.
final class OutboundSession {
    let session: Session
    let transport: any Transport
    /// The transport's writer for events.
    let eventWriter: any EventWriter
    let takesCompressedRuns: Bool
    var subscriptions: [ChannelName: Subscription] = [:]
    /// Subscriptions that are ready to continue reading.
    var behind = Deque<Subscription>()
    /// Subscriptions that wait because too many pages are being read for this session.
    var waitingToRead: [Subscription] = []
    /// Number of pages being read from the tape for this session.
    var reads = 0
    var isEnded = false
    var isUnflushed = false
    var isQueued = false
    var slowReading = SlowReading()
    let opened: Timestamp
    var nextBeat: Timestamp
    /// When the session is closed unless it authenticates or subscribes; nil once it has.
    var authenticationDeadline: Timestamp?
    /// The principal; nil until the session has authenticated.
    var principal: Principal?
    /// The service status last sent to the client.
    var sentNotice = SentNotice()

    struct SentNotice: Equatable {
        var isPaused = false
        /// Names of sources, ascending.
        var stale: [String] = []
    }

    init(
        session: Session,
        transport: any Transport,
        opened: Timestamp,
        nextBeat: Timestamp,
        authenticationDeadline: Timestamp
    ) {
        self.session = session
        self.transport = transport
        self.eventWriter = transport.eventWriter
        self.takesCompressedRuns = self.eventWriter.takesCompressedRuns
        self.opened = opened
        self.nextBeat = nextBeat
        self.authenticationDeadline = authenticationDeadline
    }

    /// Whether events are pending for a subscription that must receive every event.
    var hasEventsWaiting: Bool {
        self.subscriptions.values.contains { subscription in
            subscription.channel.type.delivery == .every
                && subscription.cursor.isMissing(upTo: subscription.local.state.head)
        }
    }
}

/// A session's cursor on one channel. Owned by a ``SessionShard``.
final class Subscription {
    let channel: EventChannel
    let local: LocalChannel
    /// The session; it releases the subscription when the subscription ends.
    let member: OutboundSession
    var cursor: Cursor
    /// Index in the channel's local subscriptions; -1 once the subscription has ended.
    var place: Int
    /// The head last sent to the client.
    var sentHead: Int
    /// Minimum interval between two events; nil for none.
    let interval: TimeAmount?
    /// Whether the interval after the last event is still running.
    var isResting = false

    init(
        channel: EventChannel,
        local: LocalChannel,
        member: OutboundSession,
        cursor: Cursor,
        place: Int,
        sentHead: Int,
        interval: TimeAmount?
    ) {
        self.channel = channel
        self.local = local
        self.member = member
        self.cursor = cursor
        self.place = place
        self.sentHead = sentHead
        self.interval = interval
    }

    var isAttached: Bool { self.place >= 0 }
}

/// Measures for how long a connection has blocked events, checked about once a second. The operator's slow-consumer
/// limit is compared with this time.
///
/// Time counts only while events wait for a subscription that gets every event **and** the connection accepts no bytes.
/// As soon as the connection is writable, however briefly, the measurement restarts: a client that keeps reading a long
/// replay is never slow, and neither is one without pending events.
package struct SlowReading: Sendable, Equatable {
    /// When the connection was first seen to block events; nil while it does not.
    private var since: NIODeadline?

    package init() {}

    /// The connection became writable.
    package mutating func madeRoom() {
        self.since = nil
    }

    /// Checks the connection.
    /// - Returns: For how long it has blocked events without interruption; zero while it does not, and at the first
    ///   check.
    package mutating func observe(isWritable: Bool, hasEventsWaiting: Bool, now: NIODeadline) -> TimeAmount {
        guard !isWritable, hasEventsWaiting else {
            self.since = nil
            return .zero
        }
        let since = self.since ?? now
        self.since = since
        return now - since
    }
}
