// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import NIOCore

/// How clients are notified of service problems: by an immediate heartbeat when their notice changes, and by every
/// regular heartbeat for as long as there is a problem.
extension SessionShard {
    /// Subscriptions checked without a pause; each session adds ``lookCost``.
    private static let noticeBudget = 10_000
    private static let lookCost = 20
    /// The pause between two parts, for other work on the loop.
    private static let noticePause = TimeAmount.milliseconds(5)

    /// The notice has changed.
    func noticed(_ notice: Notice) {
        guard notice != self.notice else { return }
        self.notice = notice
        self.pendingNotices = Array(self.members.keys)
        self.scheduleTelling()
    }

    /// A session has subscribed to a type and may need the notice, although the notice itself is unchanged.
    func scheduleNotice(_ member: OutboundSession, of type: EventType) {
        guard !self.notice.isClear else { return }
        let key = ObjectIdentifier(member.session)
        guard self.notice.stale[type.name] != nil || self.notice.isPaused && !member.sentNotice.isPaused,
            self.pendingNotices.last != key
        else { return }
        self.pendingNotices.append(key)
        self.scheduleTelling()
    }

    private func scheduleTelling() {
        guard !self.isNoticeScheduled, !self.pendingNotices.isEmpty else { return }
        self.isNoticeScheduled = true
        self.execute { $0.sendNotices() }
    }

    private func sendNotices() {
        var budget = Self.noticeBudget
        while budget > 0, let key = self.pendingNotices.popLast() {
            guard let member = self.members[key] else { continue }
            budget -= Self.lookCost + (self.notice.stale.isEmpty ? 0 : member.subscriptions.count)
            if self.notice(to: member) != member.sentNotice {
                self.writeHeartbeat(to: member, now: .now)
            }
        }
        self.isNoticeScheduled = !self.pendingNotices.isEmpty
        guard self.isNoticeScheduled else { return }
        // A task that reschedules itself directly would starve the loop's sockets; a timer does not.
        self.schedule(in: Self.noticePause) { $0.sendNotices() }
    }

    /// The part of the notice that applies to a session.
    func notice(to member: OutboundSession) -> OutboundSession.SentNotice {
        var notice = OutboundSession.SentNotice(isPaused: self.notice.isPaused)
        guard !self.notice.stale.isEmpty else { return notice }
        var types: Set<String> = []
        for subscription in member.subscriptions.values {
            let type = subscription.channel.type.name
            if self.notice.stale[type] != nil { types.insert(type) }
            if types.count == self.notice.stale.count { break }
        }
        let sources = Set(types.flatMap { self.notice.stale[$0] ?? [] }.map { ExactText($0) })
        notice.stale = sources.sorted().prefix(Notice.maxSources).map(\.text)
        return notice
    }
}
