// SPDX-License-Identifier: Apache-2.0

package import EventLog
import NIOCore

/// How subscriptions start and end.
extension SessionShard {
    package enum OnJoin: Sendable, Equatable {
        case joined
        /// The loop does not follow the channel, or lacks the data for a snapshot; see
        /// ``SessionShard/follow(_:trust:)``.
        case unfollowed
        /// The client has seen events beyond the local head; the head must be read from the tape.
        case ahead
        case refused(MessageFault)
    }

    /// Starts a subscription: fixes its position, then responds to the client, then replays.
    /// - Parameter mayBeBehind: Whether the log may contain events that the client has seen and this node has not.
    func join(
        _ member: OutboundSession,
        to wanted: WantedChannel,
        request: SubscriptionRequest,
        id: RequestID?,
        mayBeBehind: Bool = false
    ) -> OnJoin {
        guard member.subscriptions[wanted.name] == nil else {
            return .refused(MessageFault(.alreadySubscribed, "the session is subscribed to \(wanted.name) already"))
        }
        if request.interval != nil, wanted.type.delivery != .latest {
            let message = "\(wanted.type.name) delivers every event; \"interval\" is for types that deliver the latest"
            return .refused(MessageFault(.badRequest, message))
        }
        guard let local = self.followed(wanted), let channel = local.channel, let extent = local.state.extent else {
            return .unfollowed
        }
        let snapshot = wanted.wantsNewest ? local.state.newest : []
        if let fault = Self.fault(in: request, extent: extent) {
            if mayBeBehind, request.since ?? 0 > extent.head, fault.code == .cursorExpired { return .ahead }
            return .refused(fault)
        }
        let head = max(extent.head, snapshot.last?.seq ?? 0)
        let next = request.since.map { $0 + 1 } ?? head + 1
        let subscription = self.attach(
            channel,
            local,
            to: member,
            cursor: Cursor(next: next, replaying: request.since != nil, delivery: channel.type.delivery),
            head: head,
            interval: request.interval.map { .milliseconds(Int64(clamping: $0)) }
        )
        let message = ServerMessage.subscribed(
            id: id,
            channel: channel.name,
            epoch: extent.epoch,
            head: head,
            mode: request.since != nil ? .resumed : snapshot.isEmpty ? .live : .snapshot
        )
        self.write(self.framing.frame(message.encoded()), to: member)
        for entry in snapshot {
            self.write(channel.encoder.frame(.snapshot, entry), to: member)
        }
        if subscription.cursor.phase == .replaying {
            member.behind.append(subscription)
            self.queueTurn(of: member)
        }
        return .joined
    }

    private static func fault(in request: SubscriptionRequest, extent: Extent) -> MessageFault? {
        if let epoch = request.epoch, epoch != extent.epoch {
            return MessageFault(
                .epochChanged,
                "the numbering is of epoch \(extent.epoch) now, not \(epoch); begin again from a snapshot"
            )
        }
        guard let since = request.since else { return nil }
        if since > extent.head {
            return MessageFault(
                .cursorExpired,
                "\(since) is beyond the head, which is \(extent.head); begin again from a snapshot"
            )
        }
        if since + 1 < extent.first {
            return MessageFault(
                .cursorExpired,
                "events after \(since) are no longer all retained, the oldest is \(extent.first)"
            )
        }
        return nil
    }

    private func attach(
        _ channel: EventChannel,
        _ local: LocalChannel,
        to member: OutboundSession,
        cursor: Cursor,
        head: Int,
        interval: TimeAmount?
    ) -> Subscription {
        let subscription = Subscription(
            channel: channel,
            local: local,
            member: member,
            cursor: cursor,
            place: local.subscriptions.count,
            sentHead: head,
            interval: interval
        )
        local.subscriptions.append(subscription)
        member.subscriptions[channel.name] = subscription
        member.authenticationDeadline = nil
        self.scheduleNotice(member, of: channel.type)
        return subscription
    }

    /// Ends a subscription.
    /// - Returns: Whether it existed.
    @discardableResult
    func leave(_ member: OutboundSession, channel: ChannelName) -> Bool {
        guard let subscription = member.subscriptions.removeValue(forKey: channel) else { return false }
        member.behind.removeAll { $0 === subscription }
        member.waitingToRead.removeAll { $0 === subscription }
        self.detach(subscription)
        return true
    }

    /// Removes a subscription from its channel's list.
    func detach(_ subscription: Subscription) {
        let local = subscription.local
        let place = subscription.place
        assert(local.subscriptions[place] === subscription, "a subscription knows its place")
        subscription.place = -1
        local.subscriptions.swapAt(place, local.subscriptions.count - 1)
        local.subscriptions.removeLast()
        if place < local.subscriptions.count {
            local.subscriptions[place].place = place
        }
        self.dropIfUnused(local)
    }

    /// The channels a session is subscribed to.
    package func subscriptions(of session: Session) -> [ChannelName] {
        self.members[ObjectIdentifier(session)].map { Array($0.subscriptions.keys) } ?? []
    }

    /// The number of subscriptions a session may still add.
    func room(of member: OutboundSession) -> Int {
        self.limits.subscriptionsPerMember - member.subscriptions.count
    }

    /// The number of the loop's sessions subscribed to each of the channels; channels without subscribers are omitted.
    func subscribers(of channels: [ChannelName]) -> [ChannelName: Int] {
        channels.reduce(into: [:]) { counts, name in counts[name] = self.channels[name]?.subscriptions.count }
    }
}
