// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// How operators inspect and disconnect sessions.
extension SessionShard {
    /// Sessions checked without a pause, which takes a fraction of a millisecond.
    private static let slice = 4_096

    /// Sessions, ascending by id. Checks all sessions in parts, so that event delivery continues in between.
    func sessions(_ query: SessionQuery) async -> [SessionReport] {
        var found: [SessionReport] = []
        var rest = Array(self.members.values)[...]
        while !rest.isEmpty {
            for member in rest.prefix(Self.slice) where Self.isWanted(member, query) {
                let id = member.session.id
                if found.count == query.limit {
                    guard let last = found.last, id.precedes(last.id) else { continue }
                    found.removeLast()
                }
                found.insert(Self.report(member), at: found.firstIndex { id.precedes($0.id) } ?? found.endIndex)
            }
            rest = rest.dropFirst(Self.slice)
            if !rest.isEmpty { await Task.yield() }
        }
        return found
    }

    private static func isWanted(_ member: OutboundSession, _ query: SessionQuery) -> Bool {
        guard query.limit > 0, query.after.precedes(member.session.id) else { return false }
        if let user = query.user, member.principal?.subject.hasSameBytes(as: user) != true { return false }
        return !query.isBehind || Self.behind(member) > 0
    }

    private static func behind(_ member: OutboundSession) -> Int {
        member.behind.count + member.waitingToRead.count + member.reads
    }

    private static func report(_ member: OutboundSession) -> SessionReport {
        SessionReport(
            id: member.session.id,
            user: member.principal?.subject,
            opened: member.opened,
            expires: member.principal?.expires,
            subscriptions: member.subscriptions.count,
            behind: Self.behind(member),
            isWritable: member.transport.isWritable
        )
    }

    /// A session and its subscriptions, ascending by channel.
    func session(_ id: String) -> (report: SessionReport, subscriptions: [SubscriptionReport])? {
        guard let member = self.member(id) else { return nil }
        let subscriptions = member.subscriptions.values.map { subscription in
            SubscriptionReport(
                channel: subscription.channel.name,
                seq: subscription.cursor.next - 1,
                head: subscription.local.state.head,
                phase: subscription.cursor.phase
            )
        }
        return (Self.report(member), subscriptions.sorted { $0.channel < $1.channel })
    }

    /// Closes a session; the client may reconnect.
    /// - Returns: False if there is no session with this id.
    func disconnect(_ id: String) -> Bool {
        guard let member = self.member(id) else { return false }
        member.session.assumeIsolated { $0.close(.disconnected) }
        return true
    }

    func has(_ id: String) -> Bool {
        self.member(id) != nil
    }

    private func member(_ id: String) -> OutboundSession? {
        self.members.values.first { $0.session.id.hasSameBytes(as: id) }
    }
}
