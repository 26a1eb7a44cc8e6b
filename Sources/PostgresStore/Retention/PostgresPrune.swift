// SPDX-License-Identifier: Apache-2.0

import EventLog

/// The steps of retention, each in a transaction of its own.
///
/// Which entry is the newest of its slot only ever changes from yes to no, so what was found superseded stays so.
struct PostgresPrune {
    let session: PostgresSession
    let type: String

    /// Channels looked at by one transaction, whose rows are locked for that long.
    private static let channelsAtOnce = 500

    /// SQL that says of an entry `e` of a channel `c` that it is the newest of its slot.
    private static let isNewest = """
        CASE WHEN c.slotted
            THEN EXISTS (SELECT 1 FROM newest w WHERE w.channel = e.channel AND w.slot = e.slot AND w.seq = e.seq)
            ELSE e.seq = c.head END
        """

    private func run(_ sql: String, _ parameters: (PostgresCommand) -> PostgresCommand = { $0 })
        throws(PostgresFault) -> PostgresRows
    {
        try self.session.run(parameters(PostgresCommand(PostgresStatement(nil, sql))))
    }

    private func locked<Value>(_ work: () throws(PostgresFault) -> Value) throws(PostgresFault) -> Value {
        try self.session.transaction { () throws(PostgresFault) in
            try self.session.run(PostgresCommand(PostgresLock.partitions.take()))
            return try work()
        }
    }

    private static func column(_ rows: PostgresRows, _ column: Int) -> PostgresColumn {
        var values = PostgresColumn(.int8)
        for row in 0..<rows.count { values.append(Int(clamping: rows.int64(row, column))) }
        return values
    }

    // MARK: Events

    /// Removes the oldest expired events that are not the newest of a slot on any channel.
    func removeRows(before time: Timestamp, limit: Int) throws(PostgresFault) -> Int {
        try self.locked { () throws(PostgresFault) in
            let parts = try self.run("SELECT id FROM partitions WHERE type = $1::text AND starts < $2::int8") {
                $0.with(self.type).with(Int(time.nanoseconds))
            }
            let list = (["0"] + (0..<parts.count).map { "\(parts.int64($0, 0))" }).joined(separator: ", ")
            let expired = try self.run(
                """
                SELECT e.number FROM events e JOIN channels c ON c.id = e.channel
                WHERE e.part IN (\(list)) AND e.accepted < $1::int8 AND starts_with(c.name, $2::text)
                GROUP BY e.accepted, e.number HAVING NOT bool_or(\(Self.isNewest))
                ORDER BY e.accepted, e.number LIMIT $3::int8
                """
            ) { $0.with(Int(time.nanoseconds)).with(self.type + ":").with(limit) }
            guard expired.count > 0 else { return 0 }
            let numbers = Self.column(expired, 0)
            // In the order of appends.
            _ = try self.run(
                """
                SELECT id FROM channels WHERE id IN (
                    SELECT channel FROM events WHERE part IN (\(list)) AND number = ANY($1::int8[])
                ) ORDER BY id FOR NO KEY UPDATE
                """
            ) { $0.with(numbers) }
            _ = try self.run(
                """
                WITH gone AS (
                    DELETE FROM events WHERE part IN (\(list)) AND number = ANY($1::int8[])
                    RETURNING channel, seq, source, id
                ), moved AS (
                    UPDATE channels c SET first = greatest(c.first, g.seq + 1)
                    FROM (SELECT channel, max(seq) AS seq FROM gone GROUP BY channel) g WHERE c.id = g.channel
                )
                DELETE FROM receipts r USING gone g WHERE r.key = receipt_key(g.source, g.id)
                """
            ) { $0.with(numbers) }
            return expired.count
        }
    }

    // MARK: Partitions

    /// Makes the partition that follows the present one, so that no append has to.
    func makeNext(width: Int64, now: Timestamp?) throws(PostgresFault) {
        let rows = try self.run(
            """
            SELECT max(ends), (extract(epoch FROM clock_timestamp()) * 1000000000)::int8
            FROM partitions WHERE type = $1::text
            """
        ) { $0.with(self.type) }
        guard !rows.isNull(0, 0) else { return }
        let end = rows.int64(0, 0)
        let now = now?.nanoseconds ?? rows.int64(0, 1)
        guard end > now, end - now <= width, end < .max else { return }
        _ = try PostgresPartitions.ensure(
            self.session,
            type: self.type,
            at: Timestamp(nanoseconds: end),
            width: width
        )
    }

    /// Finds the oldest partition if it has expired as a whole, and lets nothing more into it: appends that would put
    /// something there are refused by its check and look for another.
    func closeOldest(before time: Timestamp) throws(PostgresFault) -> PostgresPartition? {
        try self.locked { () throws(PostgresFault) in
            let oldest = try self.run(
                "SELECT id, starts, ends, closed FROM partitions WHERE type = $1::text ORDER BY starts LIMIT 1"
            ) { $0.with(self.type) }
            guard oldest.count == 1, oldest.int64(0, 2) <= time.nanoseconds else { return nil }
            let partition = PostgresPartition(
                id: try oldest.part(0, 0),
                type: self.type,
                starts: oldest.int64(0, 1),
                ends: oldest.int64(0, 2)
            )
            if !oldest.bool(0, 3) {
                try self.session.run(sql: [
                    Self.patience,
                    "ALTER TABLE \(partition.table) ADD CONSTRAINT closed CHECK (false) NOT VALID",
                    "UPDATE partitions SET closed = true WHERE id = \(partition.id)",
                ])
            }
            return partition
        }
    }

    /// For locks that keep others waiting while they are waited for.
    private static let patience = "SET LOCAL lock_timeout = '2s'"

    /// Moves the newest entries of some channels from a partition to where they are kept, and the channels' first
    /// numbers and chapters past it.
    /// - Returns: The last channel looked at; the greatest number when there are no more.
    func keepNewest(of partition: PostgresPartition, after last: Int) throws(PostgresFault) -> Int {
        try self.locked { () throws(PostgresFault) in
            guard let channels = try self.channels(of: partition, after: last) else { return .max }
            _ = try self.run("SELECT id FROM channels WHERE id = ANY($1::int8[]) ORDER BY id FOR NO KEY UPDATE") {
                $0.with(channels.ids)
            }
            for sql in Self.keeping(partition) {
                _ = try self.run(sql) { $0.with(channels.ids) }
            }
            return channels.last
        }
    }

    private func channels(
        of partition: PostgresPartition,
        after last: Int
    ) throws(PostgresFault) -> (ids: PostgresColumn, last: Int)? {
        // One step down the index per channel, however many entries each has.
        let rows = try self.run(
            """
            WITH RECURSIVE found (channel, n) AS (
                (SELECT channel, 1 FROM \(partition.table) WHERE channel > $1::int8 ORDER BY channel LIMIT 1)
                UNION ALL
                SELECT (SELECT e.channel FROM \(partition.table) e WHERE e.channel > f.channel ORDER BY e.channel LIMIT 1),
                    f.n + 1
                FROM found f WHERE f.channel IS NOT NULL AND f.n < \(Self.channelsAtOnce)
            )
            SELECT channel FROM found WHERE channel IS NOT NULL
            """
        ) { $0.with(last) }
        guard rows.count > 0 else { return nil }
        return (Self.column(rows, 0), try rows.integer(rows.count - 1, 0))
    }

    /// May be done twice.
    private static func keeping(_ partition: PostgresPartition) -> [String] {
        let (table, id) = (partition.table, partition.id)
        return [
            """
            INSERT INTO events_0 (part, channel, seq, number, accepted, time, source, id, slot, data)
            SELECT 0, e.channel, e.seq, e.number, e.accepted, e.time, e.source, e.id, e.slot, e.data
            FROM \(table) e JOIN channels c ON c.id = e.channel
            WHERE e.channel = ANY($1::int8[]) AND \(self.isNewest)
            ON CONFLICT DO NOTHING
            """,
            "UPDATE newest SET part = 0 WHERE channel = ANY($1::int8[]) AND part = \(id)",
            """
            UPDATE channels c SET
                part = CASE WHEN c.part = \(id) THEN 0 ELSE c.part END,
                first = greatest(c.first, (
                    SELECT max(e.seq) + 1 FROM \(table) e WHERE e.channel = c.id
                        AND NOT EXISTS (SELECT 1 FROM events_0 k WHERE k.channel = e.channel AND k.seq = e.seq)
                ))
            WHERE c.id = ANY($1::int8[])
            """,
            "DELETE FROM chapters WHERE channel = ANY($1::int8[]) AND part IN (0, \(id))",
            """
            INSERT INTO chapters (channel, first, part)
            SELECT c.id, c.first, 0 FROM channels c WHERE c.id = ANY($1::int8[])
                AND c.first < coalesce((SELECT min(h.first) FROM chapters h WHERE h.channel = c.id), c.head + 1)
            """,
        ]
    }

    /// Forgets the ids of events of some channels that are kept on none.
    func removeReceipts(
        of partition: PostgresPartition,
        after last: Int
    ) throws(PostgresFault) -> (removed: Int, last: Int) {
        try self.locked { () throws(PostgresFault) in
            guard let channels = try self.channels(of: partition, after: last) else { return (0, .max) }
            let gone = try self.run(
                """
                DELETE FROM receipts r USING \(partition.table) e
                WHERE e.channel = ANY($1::int8[]) AND r.key = receipt_key(e.source, e.id)
                    AND NOT EXISTS (SELECT 1 FROM events_0 k WHERE k.number = e.number)
                """
            ) { $0.with(channels.ids) }
            return (gone.changed, channels.last)
        }
    }

    func drop(_ partition: PostgresPartition) throws(PostgresFault) {
        try self.locked { () throws(PostgresFault) in
            try self.session.run(sql: [
                Self.patience, "ALTER TABLE events DETACH PARTITION \(partition.table)",
                "DROP TABLE \(partition.table)", "DELETE FROM partitions WHERE id = \(partition.id)",
            ])
        }
    }

    /// Removes kept entries of the type that are the newest of their slot no longer.
    ///
    /// All of them have been passed over by retention before.
    func removeSuperseded() throws(PostgresFault) {
        try self.locked { () throws(PostgresFault) in
            let superseded = """
                SELECT e.channel, e.seq FROM events_0 e JOIN channels c ON c.id = e.channel
                WHERE starts_with(c.name, $1::text) AND NOT (\(Self.isNewest))
                """
            _ = try self.run(
                """
                SELECT id FROM channels WHERE id IN (SELECT channel FROM (\(superseded)) s)
                ORDER BY id FOR NO KEY UPDATE
                """
            ) { $0.with(self.type + ":") }
            _ = try self.run(
                """
                WITH gone AS (
                    DELETE FROM events_0 k USING (\(superseded)) s WHERE k.channel = s.channel AND k.seq = s.seq
                    RETURNING k.channel, k.seq, k.number, k.source, k.id
                ), moved AS (
                    UPDATE channels c SET first = greatest(c.first, g.seq + 1)
                    FROM (SELECT channel, max(seq) AS seq FROM gone GROUP BY channel) g WHERE c.id = g.channel
                )
                DELETE FROM receipts r USING gone g WHERE r.key = receipt_key(g.source, g.id)
                    AND NOT EXISTS (
                        SELECT 1 FROM events_0 k WHERE k.number = g.number
                            AND NOT EXISTS (SELECT 1 FROM gone o WHERE o.channel = k.channel AND o.seq = k.seq)
                    )
                """
            ) { $0.with(self.type + ":") }
        }
    }
}
