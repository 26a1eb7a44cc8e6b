// SPDX-License-Identifier: Apache-2.0

import EventLog

/// One partition of `events`: events of a type accepted from `starts` to before `ends`.
struct PostgresPartition: Sendable, Equatable {
    let id: Int32
    let type: String
    let starts: Int64
    let ends: Int64

    /// The name of its table.
    var table: String { Self.table(self.id) }

    static func table(_ id: Int32) -> String { "events_\(id)" }
}

/// The open partitions known to this node. Other nodes create and close partitions too, so the list is read again if a
/// partition does not exist.
struct PostgresPartitions: Sendable {
    private var partitions: [String: [PostgresPartition]] = [:]

    /// The partition for an event accepted now, if it is known.
    func partition(of type: String, at time: Timestamp) -> PostgresPartition? {
        self.partitions[type]?.last { $0.starts <= time.nanoseconds && time.nanoseconds < $0.ends }
    }

    mutating func add(_ partition: PostgresPartition) {
        self.partitions[partition.type, default: []].append(partition)
        // Only the newest receive events.
        if self.partitions[partition.type, default: []].count > 4 { self.partitions[partition.type]?.removeFirst() }
    }

    mutating func forget() {
        self.partitions = [:]
    }

    private static let find = PostgresStatement(
        "find_partition",
        """
        SELECT id, starts, ends, closed FROM partitions
        WHERE type = $1::text AND starts <= $2::int8 AND ends > $2::int8
        """
    )
    private static let neighbours = PostgresStatement(
        "partition_neighbours",
        """
        SELECT (SELECT max(ends) FROM partitions WHERE type = $1::text AND ends <= $2::int8),
            (SELECT min(starts) FROM partitions WHERE type = $1::text AND starts > $2::int8)
        """
    )
    private static let insert = PostgresStatement(
        "add_partition",
        "INSERT INTO partitions (type, starts, ends) VALUES ($1::text, $2::int8, $3::int8) RETURNING id"
    )

    /// The partition for a time; created if there is none yet.
    ///
    /// Attaching a table locks `events` without blocking reads and appends, unlike creating it as a partition; its
    /// check constraint avoids a scan. A time in a partition that retention has closed is moved to the end of that
    /// partition.
    /// - Parameter width: Time span of a new partition, in nanoseconds, aligned to a multiple of it.
    static func ensure(
        _ session: PostgresSession,
        type: String,
        at time: Timestamp,
        width: Int64
    ) throws(PostgresFault) -> PostgresPartition {
        try session.transaction { () throws(PostgresFault) in
            try session.run(PostgresCommand(PostgresLock.partitions.take()))
            var moment = time.nanoseconds
            while true {
                let found = try session.run(PostgresCommand(Self.find).with(type).with(Int(clamping: moment)))
                guard found.count > 0 else { break }
                guard found.bool(0, 3) else {
                    return PostgresPartition(
                        id: try found.part(0, 0),
                        type: type,
                        starts: found.int64(0, 1),
                        ends: found.int64(0, 2)
                    )
                }
                moment = found.int64(0, 2)
            }
            let bounds = try session.run(PostgresCommand(Self.neighbours).with(type).with(Int(clamping: moment)))
            let remainder = moment % width
            var starts = moment - (remainder < 0 ? remainder + width : remainder)
            var ends = starts.addingReportingOverflow(width).overflow ? .max : starts + width
            // The width may have been different.
            if !bounds.isNull(0, 0) { starts = max(starts, bounds.int64(0, 0)) }
            if !bounds.isNull(0, 1) { ends = min(ends, bounds.int64(0, 1)) }
            let row = try session.run(
                PostgresCommand(Self.insert).with(type).with(Int(clamping: starts)).with(Int(clamping: ends))
            )
            let partition = PostgresPartition(
                id: try row.part(0, 0),
                type: type,
                starts: starts,
                ends: ends
            )
            let table = partition.table
            try session.run(sql: [
                "CREATE TABLE \(table) (LIKE events, PRIMARY KEY (channel, seq), CONSTRAINT own CHECK (part = \(partition.id)))",
                "ALTER TABLE events ATTACH PARTITION \(table) FOR VALUES IN (\(partition.id))",
                "ALTER TABLE \(table) DROP CONSTRAINT own",
            ])
            return partition
        }
    }
}
