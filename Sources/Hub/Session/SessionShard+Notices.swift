// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import NIOCore

/// How sessions learn of trouble: by a heartbeat at once when something has changed for them, and by every regular
/// one while it lasts.
extension SessionShard {
    /// Subscriptions looked through in one go; a session counts as ``lookCost`` more.
    private static let noticeBudget = 10_000
    private static let lookCost = 20
    /// How long the loop is left to others between two goes.
    private static let noticePause = TimeAmount.milliseconds(5)

    /// The notice has changed.
    func noticed(_ notice: Notice) {
        guard notice != self.notice else { return }
        self.notice = notice
        self.untold = Array(self.members.keys)
        self.scheduleTelling()
    }

    /// A session has subscribed to a type and may need the notice although it has not changed.
    func scheduleNotice(_ member: OutboundSession, of type: EventType) {
        guard !self.notice.isClear else { return }
        let key = ObjectIdentifier(member.session)
        guard self.notice.stale[type.name] != nil || self.notice.isPaused && !member.told.isPaused,
            self.untold.last != key
        else { return }
        self.untold.append(key)
        self.scheduleTelling()
    }

    private func scheduleTelling() {
        guard !self.isTellingScheduled, !self.untold.isEmpty else { return }
        self.isTellingScheduled = true
        self.execute { $0.tell() }
    }

    private func tell() {
        var budget = Self.noticeBudget
        while budget > 0, let key = self.untold.popLast() {
            guard let member = self.members[key] else { continue }
            budget -= Self.lookCost + (self.notice.stale.isEmpty ? 0 : member.subscriptions.count)
            if self.told(to: member) != member.told {
                self.writeHeartbeat(to: member, now: .now)
            }
        }
        self.isTellingScheduled = !self.untold.isEmpty
        guard self.isTellingScheduled else { return }
        // A task that queues itself again would keep the loop from its sockets; a timer does not.
        self.schedule(in: Self.noticePause) { $0.tell() }
    }

    /// What of the notice concerns a session.
    func told(to member: OutboundSession) -> OutboundSession.Told {
        var told = OutboundSession.Told(isPaused: self.notice.isPaused)
        guard !self.notice.stale.isEmpty else { return told }
        var types: Set<String> = []
        for subscription in member.subscriptions.values {
            let type = subscription.channel.type.name
            if self.notice.stale[type] != nil { types.insert(type) }
            if types.count == self.notice.stale.count { break }
        }
        let sources = Set(types.flatMap { self.notice.stale[$0] ?? [] }.map { ExactText($0) })
        told.stale = sources.sorted().prefix(Notice.maxSources).map(\.text)
        return told
    }
}
