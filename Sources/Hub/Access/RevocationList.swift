// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import Synchronization

/// The revocations that hold, as this node knows them: what every token and every session is compared with.
package final class RevocationList: Sendable {
    /// Revocations held at most, in memory of about 300 bytes each. More are refused when they are made, not forgotten.
    package static let maxCount = 1_000_000

    private struct State {
        var entries: [Revocation.Target: Revocation] = [:]
        /// The number of the last change that is in here.
        var number = 0
    }

    private let state = Mutex(State())
    /// Whether there are none, so that most hubs pay nothing.
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

    /// Takes changes in, in order.
    package func apply(_ changes: [RevocationChange]) {
        self.state.withLock { state in
            for change in changes where change.number > state.number {
                state.entries[change.revocation.target] = change.isLifted ? nil : change.revocation
                state.number = change.number
            }
            self.isEmpty.store(state.entries.isEmpty, ordering: .releasing)
        }
    }

    /// Forgets what has ended.
    package func forget(endedBefore time: Timestamp) {
        self.state.withLock { state in
            state.entries = state.entries.filter { ($0.value.until ?? time) >= time }
            self.isEmpty.store(state.entries.isEmpty, ordering: .releasing)
        }
    }

    /// Whether someone's token is revoked.
    package func holds(_ principal: Principal, now: Timestamp) -> Bool {
        guard !self.isEmpty.load(ordering: .acquiring) else { return false }
        return self.state.withLock { Self.holds(principal, $0.entries, now: now) }
    }

    /// Whether a session has to end.
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

    /// Revocations in the order of their kind and value.
    /// - Parameter target: Begins behind it; nil begins with the first.
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
