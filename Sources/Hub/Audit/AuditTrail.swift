// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import Logging
import Synchronization

/// Collects audit records and writes them to the ``AuditStore`` in batches, or to the log if there is none.
///
/// Policies. *Publishing never waits for the audit trail*: events with the same publisher, type and result are counted
/// in one record. At most ``Limits/waiting`` such records are kept in memory and written about once a second. While the
/// store is unavailable the counts grow; beyond the limit, new events are counted under the publisher `*`. A crash
/// loses the last second. *Support access is rejected* (``note(_:)``) while too many records are waiting. *Actions of
/// operators* are recorded before they are performed (``write(_:)``).
package final class AuditTrail: Sendable {
    package struct Limits: Sendable {
        package var isOn = true
        /// Maximum number of records waiting to be written, of each kind.
        package var waiting = 10_000
        /// Interval between two writes of the publish counts.
        package var interval: Duration = .seconds(1)
        /// How long records are kept; nil keeps them forever.
        package var retention: Duration? = .seconds(365 * 86_400)

        package init() {}
    }

    /// Maximum number of records per write, and per removal.
    private static let batch = 1_000

    private struct Sum: Hashable {
        var actor: ExactText
        var object: ExactText
        var result: ExactText

        init(_ actor: String, _ object: String, _ result: String) {
            self.actor = ExactText(actor)
            self.object = ExactText(object)
            self.result = ExactText(result)
        }
    }

    private struct State {
        /// Publish records, added up.
        var sums: [Sum: AuditRecord] = [:]
        var records: [AuditRecord] = []
        var failures = LogThrottle()
    }

    private let store: (any AuditStore)?
    private let node: String
    private let limits: Limits
    private let logger: Logger
    private let state = Mutex(State())
    private let wakeSignal = WakeSignal()

    /// - Parameter store: Nil writes to the log only.
    init(store: (any AuditStore)?, node: String, limits: Limits, logger: Logger) {
        self.store = store
        self.node = node
        self.limits = limits
        self.logger = logger
    }

    /// Number of records waiting to be written.
    package var waiting: Int {
        self.state.withLock { $0.sums.count + $0.records.count }
    }

    // MARK: - Recording

    /// Records the result of publishing events. Called for every publish request: one lock, and one lookup per run of
    /// events with the same type.
    package func published(_ events: [Event], by publisher: Principal, _ result: Result<AppendOutcome, AppendFault>) {
        guard self.limits.isOn else { return }
        switch result {
        case .success(.committed(let receipts)):
            var index = 0
            self.state.withLock { state in
                while index < events.count {
                    let type = events[index].type
                    let start = index
                    var duplicates = 0
                    while index < events.count, events[index].type == type {
                        if index < receipts.count, receipts[index].status == .duplicate { duplicates += 1 }
                        index += 1
                    }
                    self.add(index - start - duplicates, publisher.subject, type, "accepted", &state)
                    self.add(duplicates, publisher.subject, type, "duplicate", &state)
                }
            }
        case .success(.conflict):
            self.refused(events.count, of: events.first?.type, by: publisher, .conflict)
        case .success(.refused):
            self.refused(events.count, of: events.first?.type, by: publisher, .invalidEvent)
        case .failure(let fault):
            self.refused(events.count, of: events.first?.type, by: publisher, fault.summary.code)
        }
    }

    /// Records rejected events.
    /// - Parameter type: The type of the first event, if the hub knows it.
    func refused(_ count: Int, of type: String?, by publisher: Principal, _ code: ErrorCode) {
        guard self.limits.isOn else { return }
        self.state.withLock { self.add(count, publisher.subject, type ?? "", code.rawValue, &$0) }
    }

    private func add(_ count: Int, _ actor: String, _ object: String, _ result: String, _ state: inout State) {
        guard count > 0 else { return }
        var key = Sum(actor, object, result)
        if let index = state.sums.index(forKey: key) {
            state.sums.values[index].count += count
            return
        }
        if state.sums.count >= self.limits.waiting { key.actor = "*" }
        let fresh = AuditRecord(
            time: .now,
            node: self.node,
            actor: key.actor.text,
            action: .publish,
            object: object,
            result: result,
            count: 0
        )
        state.sums[key, default: fresh].count += count
    }

    /// Records an action that must not be performed without a record; it is written soon.
    /// - Returns: False if it cannot be recorded. The action must not be performed then.
    package func note(
        _ action: AuditRecord.Action,
        by actor: String,
        on object: String,
        detail: String
    ) -> Bool {
        guard self.limits.isOn else { return true }
        let record = self.record(action, by: actor, on: object, detail: detail)
        let isTaken = self.state.withLock { state in
            guard state.records.count < self.limits.waiting else { return false }
            state.records.append(record)
            return true
        }
        if isTaken { self.wakeSignal.signal() }
        return isTaken
    }

    /// Records an action of an operator before it is performed; returns when the record is durable.
    package func write(
        _ action: AuditRecord.Action,
        by actor: String,
        on object: String,
        detail: String
    ) async throws(TapeFault) {
        guard self.limits.isOn else { return }
        try await self.keep([self.record(action, by: actor, on: object, detail: detail)])
    }

    private func record(
        _ action: AuditRecord.Action,
        by actor: String,
        on object: String,
        detail: String
    ) -> AuditRecord {
        AuditRecord(
            time: .now,
            node: self.node,
            actor: actor,
            action: action,
            object: object,
            result: "accepted",
            detail: detail
        )
    }

    // MARK: - Writing

    /// Writes the collected records until the task is cancelled. ``flush()`` writes what remains then.
    func run() async {
        while !Task.isCancelled {
            await self.wakeSignal.sleep(for: self.limits.interval)
            await self.flush()
        }
    }

    /// Writes the collected records.
    package func flush() async {
        while true {
            let records = self.take()
            guard !records.isEmpty else { return }
            let halves = await InHalves(records) { part throws(TapeFault) in
                try await self.keep(part)
                return part
            }
            for (record, result) in zip(records, halves.results) {
                // It goes to the log instead, so that it is not lost and does not block the others.
                if case .failure(let refusal) = result { self.log(record, refused: refusal) }
            }
            if let fault = halves.fault {
                self.putBack(Array(records.dropFirst(halves.results.count)))
                if let failures = self.state.withLock({ $0.failures.happened(at: .now) }) {
                    self.logger.warning(
                        "the audit trail cannot be written",
                        metadata: ["fault": "\(fault)", "failures": "\(failures)"]
                    )
                }
                return
            }
        }
    }

    private func take() -> [AuditRecord] {
        self.state.withLock { state in
            var taken = Array(state.records.prefix(Self.batch))
            state.records.removeFirst(taken.count)
            while taken.count < Self.batch, let (key, record) = state.sums.first {
                state.sums[key] = nil
                taken.append(record)
            }
            return taken
        }
    }

    private func putBack(_ records: [AuditRecord]) {
        self.state.withLock { state in
            state.records.insert(contentsOf: records.filter { $0.action != .publish }, at: 0)
            for record in records where record.action == .publish {
                let key = Sum(record.actor, record.object, record.result)
                var sum = record
                sum.count += state.sums[key]?.count ?? 0
                state.sums[key] = sum
            }
        }
    }

    private func keep(_ records: [AuditRecord]) async throws(TapeFault) {
        if let store {
            return try await store.record(records)
        }
        for record in records { self.log(record) }
    }

    /// - Parameter refusal: Why the store rejected the record.
    private func log(_ record: AuditRecord, refused refusal: ContentRefusal? = nil) {
        var metadata: Logger.Metadata = [
            "actor": "\(record.actor)", "action": "\(record.action.rawValue)", "object": "\(record.object)",
            "result": "\(record.result)", "count": "\(record.count)", "detail": "\(record.detail)",
        ]
        if let refusal { metadata["fault"] = "\(refusal.detail)" }
        self.logger.log(level: refusal == nil ? .info : .error, "audit", metadata: metadata)
    }

    // MARK: - Reading and removing

    /// Records, newest first; nil if they are only in the log.
    package func entries(_ query: AuditQuery) async throws(TapeFault) -> [AuditEntry]? {
        try await self.store?.auditEntries(query)
    }

    /// Removes records older than the retention.
    func prune(now: Timestamp) async {
        guard let store, let retention = self.limits.retention else { return }
        let time = now.advanced(by: .zero - retention)
        do throws(TapeFault) {
            while try await store.pruneAudit(before: time, limit: Self.batch) == Self.batch, !Task.isCancelled {}
        } catch {
            self.logger.warning("old audit records cannot be deleted", metadata: ["fault": "\(error)"])
        }
    }
}
