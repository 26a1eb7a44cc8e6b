// SPDX-License-Identifier: Apache-2.0

package import EventLog

extension PostgresTape: AuditStore {
    private static let addRecords = PostgresStatement(
        "add_audit",
        """
        INSERT INTO audit_trail (time, node, actor, action, object, result, count, detail)
        SELECT * FROM unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[],
            $8::text[])
        """
    )
    private static let listRecords = PostgresStatement(
        "list_audit",
        """
        SELECT id, time, node, actor, action, object, result, count, detail FROM audit_trail
        WHERE id < $1::int8 AND ($2::text = '' OR action = $2::text) ORDER BY id DESC LIMIT $3::int8
        """
    )
    private static let listRecordsOfActor = PostgresStatement(
        "list_audit_of_actor",
        """
        SELECT id, time, node, actor, action, object, result, count, detail FROM audit_trail
        WHERE id < $1::int8 AND ($2::text = '' OR action = $2::text) AND actor = $4::text
        ORDER BY id DESC LIMIT $3::int8
        """
    )
    private static let removeRecords = PostgresStatement(
        "remove_audit",
        """
        DELETE FROM audit_trail WHERE id = ANY (ARRAY(
            SELECT id FROM audit_trail WHERE time < $1::int8 LIMIT $2::int8
        ))
        """
    )

    /// A batch whose commit was not confirmed is written again, so a record may be stored twice, but is never missing.
    package func record(_ records: [AuditRecord]) async throws(TapeFault) {
        guard !records.isEmpty else { return }
        var times = PostgresColumn(.int8)
        var nodes = PostgresColumn(.text)
        var actors = PostgresColumn(.text)
        var actions = PostgresColumn(.text)
        var objects = PostgresColumn(.text)
        var results = PostgresColumn(.text)
        var counts = PostgresColumn(.int8)
        var details = PostgresColumn(.text)
        for record in records {
            times.append(Int(record.time.nanoseconds))
            nodes.append(record.node)
            actors.append(record.actor)
            actions.append(record.action.rawValue)
            objects.append(record.object)
            results.append(record.result)
            counts.append(record.count)
            details.append(record.detail)
        }
        let add = PostgresCommand(Self.addRecords).with(times).with(nodes).with(actors).with(actions).with(objects)
            .with(results).with(counts).with(details)
        try await self.keep { session throws(PostgresFault) in _ = try session.run(add) }
    }

    package func auditEntries(_ query: AuditQuery) async throws(TapeFault) -> [AuditEntry] {
        let action = query.action?.rawValue ?? ""
        var list = PostgresCommand(query.actor == nil ? Self.listRecords : Self.listRecordsOfActor)
            .with(query.before ?? .max).with(action).with(max(0, query.limit))
        if let actor = query.actor { list = list.with(actor) }
        let command = list
        return try await self.keep { session throws(PostgresFault) in
            let rows = try session.run(command)
            var entries: [AuditEntry] = []
            for row in 0..<rows.count {
                guard let action = AuditRecord.Action(rawValue: rows.text(row, 4)) else { continue }
                let record = AuditRecord(
                    time: rows.time(row, 1),
                    node: rows.text(row, 2),
                    actor: rows.text(row, 3),
                    action: action,
                    object: rows.text(row, 5),
                    result: rows.text(row, 6),
                    count: try rows.integer(row, 7),
                    detail: rows.text(row, 8)
                )
                entries.append(AuditEntry(id: try rows.integer(row, 0), record: record))
            }
            return entries
        }
    }

    package func pruneAudit(before time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        let remove = PostgresCommand(Self.removeRecords).with(Int(time.nanoseconds)).with(max(0, limit))
        return try await self.keep { session throws(PostgresFault) in try session.run(remove).changed }
    }
}

extension PostgresTape: RevocationStore {
    package var areRevocationsShared: Bool { true }

    /// Serializes changes in the order of their numbers, without blocking readers.
    private static let lock = PostgresStatement(
        "lock_revocations",
        "LOCK TABLE revocations IN SHARE ROW EXCLUSIVE MODE"
    )
    private static let put = PostgresStatement(
        "put_revocations",
        """
        INSERT INTO revocations (kind, value, since, until, reason)
        SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[], $5::text[])
        ON CONFLICT (kind, value) DO UPDATE SET change = excluded.change, since = excluded.since,
            until = excluded.until, reason = excluded.reason, lifted = false
        """
    )
    private static let lift = PostgresStatement(
        "lift_revocation",
        """
        UPDATE revocations SET change = nextval('revocation_changes'), since = $3::int8, until = NULL, lifted = true
        WHERE kind = $1::text AND value = $2::text AND NOT lifted
        """
    )
    private static let changes = PostgresStatement(
        "list_revocations",
        """
        SELECT change, kind, value, since, until, reason, lifted FROM revocations
        WHERE change > $1::int8 ORDER BY change LIMIT $2::int8
        """
    )
    private static let forget = PostgresStatement(
        "forget_revocations",
        "DELETE FROM revocations WHERE until < $1::int8 OR (lifted AND since < $2::int8)"
    )

    package func revoke(_ revocations: [Revocation]) async throws(TapeFault) {
        guard !revocations.isEmpty else { return }
        // One statement cannot change a row twice: the last one of a target counts.
        var last: [Revocation.Target: Revocation] = [:]
        for revocation in revocations { last[revocation.target] = revocation }
        var kinds = PostgresColumn(.text)
        var values = PostgresColumn(.text)
        var times = PostgresColumn(.int8)
        var ends = PostgresColumn(.int8)
        var reasons = PostgresColumn(.text)
        for revocation in last.values {
            kinds.append(revocation.target.kind.rawValue)
            values.append(revocation.target.value)
            times.append(Int(revocation.time.nanoseconds))
            ends.append(revocation.until.map { Int($0.nanoseconds) })
            reasons.append(revocation.reason)
        }
        let put = PostgresCommand(Self.put).with(kinds).with(values).with(times).with(ends).with(reasons)
        try await self.keep { session throws(PostgresFault) in
            try session.transaction { () throws(PostgresFault) in
                _ = try session.run([PostgresCommand(Self.lock), put])
            }
        }
    }

    package func lift(_ target: Revocation.Target, at time: Timestamp) async throws(TapeFault) -> Bool {
        let lift = PostgresCommand(Self.lift).with(target.kind.rawValue).with(target.value).with(Int(time.nanoseconds))
        return try await self.keep { session throws(PostgresFault) in
            try session.transaction { () throws(PostgresFault) in
                try session.run([PostgresCommand(Self.lock), lift]).last.map { $0.changed > 0 } ?? false
            }
        }
    }

    package func revocationChanges(after number: Int, limit: Int) async throws(TapeFault) -> [RevocationChange] {
        try await self.keep { session throws(PostgresFault) in
            let rows = try session.run(PostgresCommand(Self.changes).with(number).with(limit))
            var changes: [RevocationChange] = []
            for row in 0..<rows.count {
                guard let kind = Revocation.Target.Kind(rawValue: rows.text(row, 1)) else { continue }
                let revocation = Revocation(
                    Revocation.Target(kind, rows.text(row, 2)),
                    time: rows.time(row, 3),
                    until: rows.isNull(row, 4) ? nil : rows.time(row, 4),
                    reason: rows.text(row, 5)
                )
                changes.append(
                    RevocationChange(
                        number: try rows.integer(row, 0),
                        revocation: revocation,
                        isLifted: rows.bool(row, 6)
                    )
                )
            }
            return changes
        }
    }

    package func forgetRevocations(endedBefore time: Timestamp) async throws(TapeFault) {
        let lifted = time.advanced(by: .zero - RevocationChange.liftedKept)
        let forget = PostgresCommand(Self.forget).with(Int(time.nanoseconds)).with(Int(lifted.nanoseconds))
        try await self.keep { session throws(PostgresFault) in _ = try session.run(forget) }
    }
}
