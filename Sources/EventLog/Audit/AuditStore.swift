// SPDX-License-Identifier: Apache-2.0

/// Stores the audit trail of all nodes next to the log.
///
/// For implementers: all methods may be called concurrently. Records are only added and, once they are old, removed.
package protocol AuditStore: Sendable {
    /// Stores records durably, all or none.
    func record(_ records: [AuditRecord]) async throws(TapeFault)

    /// Records, newest first.
    func auditEntries(_ query: AuditQuery) async throws(TapeFault) -> [AuditEntry]

    /// Removes records older than a time, up to a limit.
    /// - Returns: The number of removed records.
    func pruneAudit(before time: Timestamp, limit: Int) async throws(TapeFault) -> Int
}

/// A record and its position in the trail.
package struct AuditEntry: Sendable, Equatable {
    /// Ascending in the order in which records were written.
    package var id: Int
    package var record: AuditRecord

    package init(id: Int, record: AuditRecord) {
        self.id = id
        self.record = record
    }
}

/// Selects records.
package struct AuditQuery: Sendable, Equatable {
    /// Only records with smaller ids; nil begins with the newest.
    package var before: Int?
    package var actor: String?
    package var action: AuditRecord.Action?
    package var limit: Int

    package init(before: Int? = nil, actor: String? = nil, action: AuditRecord.Action? = nil, limit: Int) {
        self.before = before
        self.actor = actor
        self.action = action
        self.limit = limit
    }
}
