// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Keeps revocations and the audit trail in memory for several hubs, and fails when a test says so.
package final class SharedAccessStore: RevocationStore, AuditStore {
    package struct State: Sendable {
        fileprivate var number = 0
        fileprivate var changes: [Revocation.Target: RevocationChange] = [:]
        package var records: [AuditRecord] = []
        /// How often changes were asked for.
        package var looks = 0
        fileprivate var fault: TapeFault?
        fileprivate var isUnfit: @Sendable (AuditRecord) -> Bool = { _ in false }
    }

    private let state = Watched(State())

    package init() {}

    package var areRevocationsShared: Bool { true }

    package var value: State { self.state.value }

    /// Makes every call fail from now on; nil ends that.
    package func fail(_ fault: TapeFault?) {
        self.state.change { $0.fault = fault }
    }

    /// Refuses such records from now on, and what comes together with them.
    package func refuse(_ isUnfit: @escaping @Sendable (AuditRecord) -> Bool) {
        self.state.change { $0.isUnfit = isUnfit }
    }

    package func wait(for what: String, _ condition: @escaping @Sendable (State) -> Bool) async throws {
        try await self.state.wait(for: what) { condition($0) }
    }

    private func work<Value: Sendable>(_ body: (inout State) -> Value) throws(TapeFault) -> Value {
        let result: Result<Value, TapeFault> = self.state.change { state in
            if let fault = state.fault { return .failure(fault) }
            return .success(body(&state))
        }
        return try result.get()
    }

    package func revoke(_ revocations: [Revocation]) async throws(TapeFault) {
        try self.work { state in
            for revocation in revocations { state.put(revocation, isLifted: false) }
        }
    }

    package func lift(_ target: Revocation.Target, at time: Timestamp) async throws(TapeFault) -> Bool {
        try self.work { state in
            guard state.changes[target]?.isLifted == false else { return false }
            state.put(Revocation(target, time: time), isLifted: true)
            return true
        }
    }

    package func revocationChanges(after number: Int, limit: Int) async throws(TapeFault) -> [RevocationChange] {
        try self.work { state in
            state.looks += 1
            let later = state.changes.values.filter { $0.number > number }
            return Array(later.sorted { $0.number < $1.number }.prefix(limit))
        }
    }

    package func forgetRevocations(endedBefore time: Timestamp) async throws(TapeFault) {
        try self.work { state in
            state.changes = state.changes.filter { ($0.value.revocation.until ?? time) >= time }
        }
    }

    package func record(_ records: [AuditRecord]) async throws(TapeFault) {
        guard !records.contains(where: self.value.isUnfit) else {
            throw .refused(ContentRefusal(kind: "a limit", detail: "the innards"))
        }
        try self.work { $0.records += records }
    }

    package func auditEntries(_ query: AuditQuery) async throws(TapeFault) -> [AuditEntry] {
        try self.work { state in
            let entries = state.records.enumerated().map { AuditEntry(id: $0.offset + 1, record: $0.element) }
            return Array(entries.reversed().prefix(query.limit))
        }
    }

    package func pruneAudit(before time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        try self.work { state in
            let count = state.records.count
            state.records.removeAll { $0.time < time }
            return count - state.records.count
        }
    }
}

extension SharedAccessStore.State {
    fileprivate mutating func put(_ revocation: Revocation, isLifted: Bool) {
        self.number += 1
        self.changes[revocation.target] = RevocationChange(
            number: self.number,
            revocation: revocation,
            isLifted: isLifted
        )
    }
}
