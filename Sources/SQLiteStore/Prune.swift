// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB

/// One step of retention, inside its transaction.
struct Prune {
    struct Pass: Sendable {
        var removed: Int
        /// Whether the step ended at its limit.
        var hasMore: Bool
    }

    /// An expired event.
    private struct Candidate {
        var event: Int
        var slot: String
        var positions: PositionList
    }

    private let db: Database
    private let type: Int

    /// Nil if there has never been an event of the type.
    init?(_ db: Database, type: String) throws {
        let query = try Query("SELECT id FROM types WHERE name = ?", in: db)
        try query.bind(1, type)
        guard let type = try query.first({ try $0.integer(0) }) else { return nil }
        self.db = db
        self.type = type
    }

    /// Removes the expired ones among the oldest `limit` events, except the newest of each slot.
    func run(acceptedBefore time: Timestamp, limit: Int, _ ledger: inout AppendCache) throws -> Pass {
        let candidates = try self.candidates(acceptedBefore: time, limit: limit)
        let leave = try Query("DELETE FROM ageing WHERE type = ? AND event = ?", in: self.db)
        var firsts: [Int: Int] = [:]
        var removed = 0
        for candidate in candidates {
            try leave.bind(1, self.type)
            try leave.bind(2, candidate.event)
            try leave.run()
            if try self.isNewest(candidate) {
                try self.keep(candidate, &ledger)
            } else {
                try self.remove(candidate)
                removed += 1
                for place in candidate.positions.elements {
                    firsts[place.channel] = max(firsts[place.channel] ?? 0, place.seq + 1)
                }
            }
        }
        let move = try Query("UPDATE channels SET first = max(first, ?) WHERE id = ?", in: self.db)
        for (channel, first) in firsts {
            try move.bind(1, first)
            try move.bind(2, channel)
            try move.run()
        }
        return Pass(removed: removed, hasMore: candidates.count == limit)
    }

    /// Events are ordered by time of acceptance, so the list ends at the first that has not expired.
    private func candidates(acceptedBefore time: Timestamp, limit: Int) throws -> [Candidate] {
        let query = try Query(
            """
            SELECT events.id, accepted, slot, positions
            FROM ageing CROSS JOIN events ON events.id = ageing.event
            WHERE ageing.type = ? ORDER BY ageing.event LIMIT ?
            """,
            in: self.db
        )
        try query.bind(1, self.type)
        try query.bind(2, limit)
        defer { query.reset() }
        var candidates: [Candidate] = []
        while try query.step(), query.int64(1) < time.nanoseconds {
            let positions = try PositionList(parsing: query.bytes(3))
            candidates.append(Candidate(event: try query.integer(0), slot: query.text(2), positions: positions))
        }
        return candidates
    }

    private func isNewest(_ candidate: Candidate) throws -> Bool {
        let query = try Query(
            """
            SELECT CASE
                WHEN slotted THEN EXISTS (SELECT 1 FROM newest WHERE channel = channels.id AND slot = ?2 AND seq = ?3)
                ELSE ?3 = (SELECT seq FROM positions WHERE channel = channels.id ORDER BY seq DESC LIMIT 1)
                END
            FROM channels WHERE id = ?1
            """,
            in: self.db
        )
        return try candidate.positions.elements.contains { place in
            try query.bind(1, place.channel)
            try query.bind(2, candidate.slot)
            try query.bind(3, place.seq)
            return try query.first { try $0.integer(0) != 0 } ?? false
        }
    }

    /// Keeps an event until an append supersedes it.
    private func keep(_ candidate: Candidate, _ ledger: inout AppendCache) throws {
        let query = try Query("UPDATE channels SET kept = 1 WHERE id = ? AND kept = 0 RETURNING name", in: self.db)
        for place in candidate.positions.elements {
            try query.bind(1, place.channel)
            while try query.step() {
                if let place = ledger.place(of: query.text(0)) { ledger.channels[place].isKept = true }
            }
        }
    }

    private func remove(_ candidate: Candidate) throws {
        let event = try Query("DELETE FROM events WHERE id = ?", in: self.db)
        try event.bind(1, candidate.event)
        try event.run()
        let position = try Query("DELETE FROM positions WHERE channel = ? AND seq = ?", in: self.db)
        for place in candidate.positions.elements {
            try position.bind(1, place.channel)
            try position.bind(2, place.seq)
            try position.run()
        }
    }
}

extension SQLiteTape {
    /// Events checked in one transaction, so that appends wait only for milliseconds.
    static let pruneStep = 1000

    /// Uses one transaction per ``pruneStep`` checked events; each leaves the tape consistent.
    ///
    /// An event skipped as the newest of a slot is not checked again until it is superseded, so the work is bounded by
    /// the number of appended events.
    package func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        var removed = 0
        while removed < limit {
            let step = min(limit - removed, Self.pruneStep)
            let pass = try await self.write { db throws(TapeFault) in
                try self.transaction(db, isStoring: false) { ledger in
                    try Prune(db, type: type)?.run(acceptedBefore: time, limit: step, &ledger)
                }
            }
            removed += pass?.removed ?? 0
            guard let pass, pass.hasMore else { break }
        }
        return removed
    }
}
