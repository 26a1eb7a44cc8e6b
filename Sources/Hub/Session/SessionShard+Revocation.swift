// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore

extension SessionShard {
    /// Members looked at in one go: a fraction of a millisecond.
    private static let slice = 4_096

    /// Closes the sessions that are revoked. Looks at all of them, a part at a time so that delivery continues in between:
    /// one that comes meanwhile is looked at when it authenticates.
    func endSessions(revokedBy list: RevocationList) {
        self.endSessions(among: Array(self.members.values)[...], revokedBy: list)
    }

    private func endSessions(among members: ArraySlice<OutboundSession>, revokedBy list: RevocationList) {
        let now = Timestamp.now
        for member in members.prefix(Self.slice)
        where list.holds(session: member.session.id, of: member.principal, now: now) {
            member.session.assumeIsolated { $0.close(.revoked) }
        }
        let rest = members.dropFirst(Self.slice)
        guard !rest.isEmpty else { return }
        let next = NIOLoopBound(rest, eventLoop: self.loop)
        self.execute { $0.endSessions(among: next.value, revokedBy: list) }
    }
}
