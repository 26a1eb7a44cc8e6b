// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB

extension SQLiteTape: AuditStore {
    package func record(_ records: [AuditRecord]) async throws(TapeFault) {
        guard !records.isEmpty else { return }
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in
                let add = try Query(
                    """
                    INSERT INTO audit_trail (time, node, actor, action, object, result, count, detail)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                    in: db
                )
                for record in records {
                    try add.bind(1, record.time.nanoseconds)
                    try add.bind(2, record.node)
                    try add.bind(3, record.actor)
                    try add.bind(4, record.action.rawValue)
                    try add.bind(5, record.object)
                    try add.bind(6, record.result)
                    try add.bind(7, record.count)
                    try add.bind(8, record.detail)
                    try add.run()
                }
            }
        }
    }

    package func auditEntries(_ wanted: AuditQuery) async throws(TapeFault) -> [AuditEntry] {
        try await self.read { db in
            var conditions = "id < ?"
            if wanted.actor != nil { conditions += " AND actor = ?" }
            if wanted.action != nil { conditions += " AND action = ?" }
            let query = try Query(
                """
                SELECT id, time, node, actor, action, object, result, count, detail FROM audit_trail
                WHERE \(conditions) ORDER BY id DESC LIMIT ?
                """,
                in: db
            )
            var place: Int32 = 1
            try query.bind(place, wanted.before ?? .max)
            for text in [wanted.actor, wanted.action?.rawValue] {
                guard let text else { continue }
                place += 1
                try query.bind(place, text)
            }
            try query.bind(place + 1, max(0, wanted.limit))
            defer { query.reset() }
            var entries: [AuditEntry] = []
            while try query.step() {
                guard let action = AuditRecord.Action(rawValue: query.text(4)) else { continue }
                let record = AuditRecord(
                    time: Timestamp(nanoseconds: query.int64(1)),
                    node: query.text(2),
                    actor: query.text(3),
                    action: action,
                    object: query.text(5),
                    result: query.text(6),
                    count: try query.integer(7),
                    detail: query.text(8)
                )
                entries.append(AuditEntry(id: try query.integer(0), record: record))
            }
            return entries
        }
    }

    package func pruneAudit(before time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in
                let remove = try Query(
                    "DELETE FROM audit_trail WHERE id IN (SELECT id FROM audit_trail WHERE time < ? LIMIT ?)",
                    in: db
                )
                try remove.bind(1, time.nanoseconds)
                try remove.bind(2, max(0, limit))
                try remove.run()
                return db.changesCount
            }
        }
    }
}

extension SQLiteTape: RevocationStore {
    /// The lock on the file makes this process the only one.
    package var areRevocationsShared: Bool { false }

    private static let put = """
        INSERT OR REPLACE INTO revocations (kind, value, since, until, reason, lifted) VALUES (?, ?, ?, ?, ?, ?)
        """

    package func revoke(_ revocations: [Revocation]) async throws(TapeFault) {
        guard !revocations.isEmpty else { return }
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in
                for revocation in revocations { try Self.put(revocation, isLifted: false, in: db) }
            }
        }
    }

    package func lift(_ target: Revocation.Target, at time: Timestamp) async throws(TapeFault) -> Bool {
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in
                let look = try Query("SELECT 1 FROM revocations WHERE kind = ? AND value = ? AND lifted = 0", in: db)
                try look.bind(1, target.kind.rawValue)
                try look.bind(2, target.value)
                guard try look.first({ _ in true }) != nil else { return false }
                try Self.put(Revocation(target, time: time), isLifted: true, in: db)
                return true
            }
        }
    }

    private static func put(_ revocation: Revocation, isLifted: Bool, in db: Database) throws {
        let put = try Query(Self.put, in: db)
        try put.bind(1, revocation.target.kind.rawValue)
        try put.bind(2, revocation.target.value)
        try put.bind(3, revocation.time.nanoseconds)
        try put.bind(4, nullable: revocation.until.map { Int($0.nanoseconds) })
        try put.bind(5, revocation.reason)
        try put.bind(6, isLifted ? 1 : 0)
        try put.run()
    }

    package func revocationChanges(after number: Int, limit: Int) async throws(TapeFault) -> [RevocationChange] {
        try await self.read { db in
            let query = try Query(
                """
                SELECT change, kind, value, since, until, reason, lifted FROM revocations
                WHERE change > ? ORDER BY change LIMIT ?
                """,
                in: db
            )
            try query.bind(1, number)
            try query.bind(2, limit)
            defer { query.reset() }
            var changes: [RevocationChange] = []
            while try query.step() {
                guard let kind = Revocation.Target.Kind(rawValue: query.text(1)) else { continue }
                let revocation = Revocation(
                    Revocation.Target(kind, query.text(2)),
                    time: Timestamp(nanoseconds: query.int64(3)),
                    until: query.nullableInt64(4).map { Timestamp(nanoseconds: $0) },
                    reason: query.text(5)
                )
                changes.append(
                    RevocationChange(
                        number: try query.integer(0),
                        revocation: revocation,
                        isLifted: try query.integer(6) != 0
                    )
                )
            }
            return changes
        }
    }

    package func forgetRevocations(endedBefore time: Timestamp) async throws(TapeFault) {
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in
                let forget = try Query("DELETE FROM revocations WHERE until < ? OR (lifted = 1 AND since < ?)", in: db)
                try forget.bind(1, time.nanoseconds)
                try forget.bind(2, time.advanced(by: .zero - RevocationChange.liftedKept).nanoseconds)
                try forget.run()
            }
        }
    }
}
