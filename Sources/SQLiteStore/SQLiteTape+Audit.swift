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
