// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import JSON

/// Builds projections from the existing events of a tape, inside the migration's transaction.
///
/// Events that retention has removed are not included. Types are assumed to be the built-in ones: events without the
/// expected fields are skipped.
struct Backfill {
    /// Events per step.
    private static let step = 1000

    private let db: Database
    /// By `types.id`.
    private let types: [Int: (name: String, projection: Projection)]

    init(_ db: Database) throws {
        self.db = db
        let find = try Query("SELECT id FROM types WHERE name = ?", in: db)
        var types: [Int: (name: String, projection: Projection)] = [:]
        for type in EventTypes.builtIn {
            guard let projection = type.projection else { continue }
            try find.bind(1, type.name)
            if let id = try find.first({ try $0.integer(0) }) { types[id] = (type.name, projection) }
        }
        self.types = types
    }

    /// Processes the events in the order of appends.
    /// - Parameter tell: Receives the progress after each step.
    func run(_ tell: (_ done: Int, _ total: Int) -> Void) throws {
        guard !self.types.isEmpty else { return }
        let statements = try ProjectionStatements(self.db)
        let total =
            try Query("SELECT count(*) FROM events WHERE type IN (\(self.typeList))", in: self.db)
            .first { try $0.integer(0) } ?? 0
        var last = 0
        var done = 0
        while true {
            let (batch, count, next) = try self.batch(after: last)
            try statements.write(batch)
            done += count
            tell(done, total)
            guard let next else { return }
            last = next
        }
    }

    private var typeList: String {
        self.types.keys.sorted().map(String.init).joined(separator: ", ")
    }

    /// - Returns: The projections of the next events, their number, and the last of them; nil if it was the last of
    ///   all.
    private func batch(after event: Int) throws -> (ProjectionBatch, count: Int, next: Int?) {
        let query = try Query(
            """
            SELECT id, type, event_id, time, data, slot, positions FROM events
            WHERE id > ? AND type IN (\(self.typeList)) ORDER BY id LIMIT \(Self.step)
            """,
            in: self.db
        )
        try query.bind(1, event)
        defer { query.reset() }
        let findChannel = try Query("SELECT name FROM channels WHERE id = ?", in: self.db)
        var batch = ProjectionBatch()
        var count = 0
        var last = event
        while try query.step() {
            count += 1
            last = try query.integer(0)
            guard let type = self.types[try query.integer(1)] else { continue }
            for place in try PositionList(parsing: query.bytes(6)).elements {
                try findChannel.bind(1, place.channel)
                guard let name = try findChannel.first({ $0.text(0) }), let key = name.rest(after: type.name + ":")
                else {
                    throw TapeFault.damaged("event \(last) is on channel \(place.channel), which is missing")
                }
                let entry = TapeEntry(
                    seq: place.seq,
                    id: query.text(2),
                    time: Timestamp(nanoseconds: query.int64(3)),
                    data: query.bytes(4),
                    slot: query.text(5)
                )
                batch.add(entry, of: ChannelName(type: type.name, key: String(key)), as: type.projection)
            }
        }
        return (batch, count, count < Self.step ? nil : last)
    }
}
