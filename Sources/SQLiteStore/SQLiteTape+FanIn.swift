// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
import JSON

extension SQLiteTape: FanInStore {
    /// Runs the work immediately: the lock on the file makes this process the only one.
    package func withLeadership(_: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        await work()
    }

    package func setAside(_ deadLetters: [DeadLetter]) async throws(TapeFault) {
        guard !deadLetters.isEmpty else { return }
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in try Self.setAside(deadLetters, in: db) }
        }
    }

    /// Inside a transaction.
    static func setAside(_ deadLetters: [DeadLetter], in db: Database) throws {
        let insert = try Query(
            "INSERT INTO dead_letters (received, channel, payload, reason) VALUES (?, ?, ?, ?)",
            in: db
        )
        for letter in deadLetters.suffix(DeadLetter.kept) {
            try insert.bind(1, letter.received.nanoseconds)
            try insert.bind(2, letter.channel)
            try insert.bind(3, blob: letter.payload)
            try insert.bind(4, letter.reason)
            try insert.run()
        }
        // Numbers have no gaps: only the oldest are ever removed.
        let forget = try Query("DELETE FROM dead_letters WHERE id <= ?", in: db)
        try forget.bind(1, Int(clamping: db.lastInsertedRowID) - DeadLetter.kept)
        try forget.run()
    }

    package func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter] {
        try await self.read { db in
            let query = try Query(
                "SELECT received, channel, payload, reason FROM dead_letters ORDER BY id DESC LIMIT ?",
                in: db
            )
            try query.bind(1, limit)
            defer { query.reset() }
            var deadLetters: [DeadLetter] = []
            while try query.step() {
                deadLetters.append(
                    DeadLetter(
                        received: Timestamp(nanoseconds: query.int64(0)),
                        channel: query.text(1),
                        payload: query.bytes(2),
                        reason: query.text(3)
                    )
                )
            }
            return deadLetters
        }
    }

    package func sourceMarks() async throws(TapeFault) -> [SourceMark] {
        try await self.read { db in
            let query = try Query("SELECT source, seq, heard, types FROM source_marks ORDER BY source", in: db)
            defer { query.reset() }
            var marks: [SourceMark] = []
            while try query.step() {
                marks.append(
                    SourceMark(
                        source: query.text(0),
                        seq: query.nullableInt64(1).flatMap { Int($0, in: .seq) },
                        heard: Timestamp(nanoseconds: query.int64(2)),
                        types: query.text(3).split(separator: ",").map(String.init)
                    )
                )
            }
            return marks
        }
    }

    package func note(_ marks: [SourceMark]) async throws(TapeFault) {
        guard !marks.isEmpty else { return }
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in
                let query = try Query(
                    "INSERT OR REPLACE INTO source_marks (source, seq, heard, types) VALUES (?, ?, ?, ?)",
                    in: db
                )
                for mark in marks {
                    try query.bind(1, mark.source)
                    try query.bind(2, nullable: mark.seq)
                    try query.bind(3, mark.heard.nanoseconds)
                    try query.bind(4, mark.types.joined(separator: ","))
                    try query.run()
                }
            }
        }
    }

    package func forgetSources(heardBefore time: Timestamp) async throws(TapeFault) {
        try await self.write { db throws(TapeFault) in
            try self.transaction(db) { _ in
                let query = try Query("DELETE FROM source_marks WHERE heard < ?", in: db)
                try query.bind(1, time.nanoseconds)
                try query.run()
            }
        }
    }
}
