// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore

extension SessionShard {
    /// Sessions checked without a pause, which takes a fraction of a millisecond.
    private static let slice = 4_096

    /// Closes revoked sessions. Checks all sessions in parts, so that event delivery continues in between. A session
    /// that starts meanwhile is checked when it authenticates.
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
