// SPDX-License-Identifier: Apache-2.0

/// Where the audit trail is kept: beside the log, for all nodes.
///
/// For implementers: all methods may be called at once; records are only ever added and, once they are old, removed.
package protocol AuditStore: Sendable {
    /// Keeps records, durably, all of them or none.
    func record(_ records: [AuditRecord]) async throws(TapeFault)

    /// Records, newest first.
    func auditEntries(_ query: AuditQuery) async throws(TapeFault) -> [AuditEntry]

    /// Removes records of before a time, a number of them at most.
    /// - Returns: How many were removed.
    func pruneAudit(before time: Timestamp, limit: Int) async throws(TapeFault) -> Int
}

/// A record and its place in the trail.
package struct AuditEntry: Sendable, Equatable {
    /// Ascending in the order in which records were written.
    package var id: Int
    package var record: AuditRecord

    package init(id: Int, record: AuditRecord) {
        self.id = id
        self.record = record
    }
}

/// Which records are wanted.
package struct AuditQuery: Sendable, Equatable {
    /// Those with smaller ids; nil begins with the newest.
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
