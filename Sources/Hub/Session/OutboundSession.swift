// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
import NIOCore

/// A session's place on its loop: its connection, its subscriptions and when it needs attention. Owned by a ``SessionShard``.
final class OutboundSession {
    let session: Session
    let transport: any Transport
    /// The transport's, for events.
    let eventWriter: any EventWriter
    let takesCompressedRuns: Bool
    var subscriptions: [ChannelName: Subscription] = [:]
    /// Subscriptions whose turn it is to read on.
    var behind = Deque<Subscription>()
    /// Subscriptions that wait until fewer pages are being read for it.
    var waitingToRead: [Subscription] = []
    /// Pages being read from the tape for it.
    var reads = 0
    var isEnded = false
    var isUnflushed = false
    var isQueued = false
    var slowReading = SlowReading()
    let opened: Timestamp
    var nextBeat: Timestamp
    /// When a session that has neither authenticated nor subscribed is closed; nil once it has.
    var authenticationDeadline: Timestamp?
    /// Whose session it is; nil until it has authenticated.
    var principal: Principal?
    /// The service status that its client was sent last.
    var told = Told()

    struct Told: Equatable {
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

    /// Whether events wait that it must get, every one of them.
    var hasEventsWaiting: Bool {
        self.subscriptions.values.contains { subscription in
            subscription.channel.type.delivery == .every
                && subscription.cursor.isMissing(upTo: subscription.local.state.head)
        }
    }
}

/// A member's cursor on one channel. Owned by a ``SessionShard``.
final class Subscription {
    let channel: EventChannel
    let local: LocalChannel
    /// Releases the subscription when it ends.
    let member: OutboundSession
    var cursor: Cursor
    /// Its place among the channel's local subscriptions; -1 once it has ended.
    var place: Int
    /// The head that its client was sent last.
    var toldHead: Int
    /// Least time between two events; nil sends each at once.
    let interval: TimeAmount?
    /// Whether the interval since the last event has not passed yet.
    var isResting = false

    init(
        channel: EventChannel,
        local: LocalChannel,
        member: OutboundSession,
        cursor: Cursor,
        place: Int,
        toldHead: Int,
        interval: TimeAmount?
    ) {
        self.channel = channel
        self.local = local
        self.member = member
        self.cursor = cursor
        self.place = place
        self.toldHead = toldHead
        self.interval = interval
    }

    var isAttached: Bool { self.place >= 0 }
}
