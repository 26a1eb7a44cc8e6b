// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import Synchronization

/// The active revocations known to this node. Every token and every session is checked against them.
package final class RevocationList: Sendable {
    /// Maximum number of revocations, at about 300 bytes of memory each. Beyond it, new revocations are rejected; none
    /// is dropped.
    package static let maxCount = 1_000_000

    private struct State {
        var entries: [Revocation.Target: Revocation] = [:]
        /// Number of the last change applied.
        var number = 0
    }

    private let state = Mutex(State())
    /// Whether there are no revocations. Most hubs have none, so the check costs them nothing.
    private let isEmpty = Atomic<Bool>(true)

    package init() {}

    package var count: Int {
        self.state.withLock { $0.entries.count }
    }

    package var number: Int {
        self.state.withLock { $0.number }
    }

    package func revocation(of target: Revocation.Target) -> Revocation? {
        self.state.withLock { $0.entries[target] }
    }

    /// Applies changes in order.
    package func apply(_ changes: [RevocationChange]) {
        self.state.withLock { state in
            for change in changes where change.number > state.number {
                state.entries[change.revocation.target] = change.isLifted ? nil : change.revocation
                state.number = change.number
            }
            self.isEmpty.store(state.entries.isEmpty, ordering: .releasing)
        }
    }

    /// Removes revocations that have ended.
    package func forget(endedBefore time: Timestamp) {
        self.state.withLock { state in
            state.entries = state.entries.filter { ($0.value.until ?? time) >= time }
            self.isEmpty.store(state.entries.isEmpty, ordering: .releasing)
        }
    }

    /// Whether the token of a principal is revoked.
    package func holds(_ principal: Principal, now: Timestamp) -> Bool {
        guard !self.isEmpty.load(ordering: .acquiring) else { return false }
        return self.state.withLock { Self.holds(principal, $0.entries, now: now) }
    }

    /// Whether a session has to be closed.
    package func holds(session: String, of principal: Principal?, now: Timestamp) -> Bool {
        guard !self.isEmpty.load(ordering: .acquiring) else { return false }
        return self.state.withLock { state in
            if let entry = state.entries[.session(session)], entry.isInForce(at: now) { return true }
            return principal.map { Self.holds($0, state.entries, now: now) } ?? false
        }
    }

    private static func holds(
        _ principal: Principal,
        _ entries: [Revocation.Target: Revocation],
        now: Timestamp
    ) -> Bool {
        if let id = principal.tokenID, entries[.token(id)]?.isInForce(at: now) == true { return true }
        guard let entry = entries[.subject(principal.subject)], entry.isInForce(at: now) else { return false }
        return principal.issued.map { $0 <= entry.time } ?? true
    }

    /// Revocations ordered by kind and value.
    /// - Parameter target: The page begins after this target; nil begins with the first.
    package func page(after target: Revocation.Target?, limit: Int) -> [Revocation] {
        let entries = self.state.withLock { $0.entries }
        let sorted = entries.values.sorted { $0.target.precedes($1.target) }
        guard let target else { return Array(sorted.prefix(limit)) }
        return Array(sorted.drop { !target.precedes($0.target) }.prefix(limit))
    }
}

extension Revocation {
    func isInForce(at now: Timestamp) -> Bool {
        self.until.map { now < $0 } ?? true
    }
}

extension Revocation.Target {
    fileprivate func precedes(_ other: Self) -> Bool {
        guard self.kind == other.kind else { return self.kind.rawValue < other.kind.rawValue }
        return self.value.precedes(other.value)
    }
}
