// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
import Synchronization

extension SQLiteTape: SourceStore {
    package func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        try await self.read { db in
            let version = try Query("SELECT version FROM sources WHERE name = ?", in: db)
            try version.bind(1, source)
            return SourceState(
                version: try version.first { try $0.integer(0) } ?? 0,
                entries: try Self.entries(of: source, prefix: prefix, after: "", limit: .max, in: db)
            )
        }
    }

    package func entries(
        of source: String,
        prefix: String,
        after name: String,
        limit: Int
    ) async throws(TapeFault) -> [SourceEntry] {
        try await self.read { db in
            try Self.entries(of: source, prefix: prefix, after: name, limit: limit, in: db)
        }
    }

    private static func entries(
        of source: String,
        prefix: String,
        after name: String,
        limit: Int,
        in db: Database
    ) throws -> [SourceEntry] {
        // Texts compare by bytes, so those with the prefix come one after the other.
        let query = try Query(
            "SELECT name, value FROM source_entries WHERE source = ? AND name > ? AND name >= ? ORDER BY name LIMIT ?",
            in: db
        )
        try query.bind(1, source)
        try query.bind(2, name)
        try query.bind(3, prefix)
        try query.bind(4, limit)
        defer { query.reset() }
        var entries: [SourceEntry] = []
        while try query.step() {
            let name = query.text(0)
            guard name.utf8.starts(with: prefix.utf8) else { break }
            entries.append(SourceEntry(name: name, value: query.bytes(1)))
        }
        return entries
    }

    package func append(_ events: [Event], with step: SourceStep) async throws(TapeFault) -> StepOutcome {
        do throws(TapeFault) {
            return try await self.take(events, step)
        } catch {
            guard case .refused(let refusal) = error else { throw error }
            return .refused(items: try await self.culprits(among: events), refusal)
        }
    }

    /// The events that cannot be appended: each is tried in a transaction that is rolled back, the others in as few as
    /// can be.
    private func culprits(among events: [Event]) async throws(TapeFault) -> [Int] {
        struct Undone: Error {}
        let halves = await InHalves(events) { part throws(TapeFault) in
            try await self.write { db throws(TapeFault) in
                var isTried = false
                do throws(TapeFault) {
                    try self.transaction(db) { ledger in
                        var append = try Append(db, ledger: &ledger, epoch: self.epoch, now: self.clock())
                        for event in part { _ = try append.append([event], &ledger) }
                        _ = try append.finish()
                        isTried = true
                        throw Undone()
                    }
                } catch {
                    guard isTried else { throw error }
                }
                return part
            }
        }
        if let fault = halves.fault { throw fault }
        return halves.results.indices.filter { if case .failure = halves.results[$0] { true } else { false } }
    }

    private func take(_ events: [Event], _ step: SourceStep) async throws(TapeFault) -> StepOutcome {
        /// Ends a transaction that is to change nothing.
        struct Undone: Error { let items: [Int] }
        return try await self.write { db throws(TapeFault) in
            var conflicts: [Int]?
            var outcome = StepOutcome.moved
            do throws(TapeFault) {
                outcome = try self.transaction(db) { ledger in
                    let place = try Self.place(of: step.source, in: db)
                    let isTaken = place.token == step.token
                    guard isTaken || place.version == step.version else { return .moved }
                    var append = try Append(db, ledger: &ledger, epoch: self.epoch, now: self.clock())
                    switch try append.append(events, &ledger) {
                    case .conflict(let items):
                        conflicts = items
                        throw Undone(items: items)
                    case .refused(let refusal): throw TapeFault.refused(refusal)
                    case .committed(let receipts):
                        let skipped = try append.finish()
                        if skipped > 0 { self.skippedEntries.add(skipped, ordering: .relaxed) }
                        if !isTaken { try Self.take(step, in: db) }
                        return .committed(receipts)
                    }
                }
            } catch {
                guard let conflicts else { throw error }
                return .conflict(items: conflicts)
            }
            return outcome
        }
    }

    private static func place(of source: String, in db: Database) throws -> (version: Int, token: Int) {
        let query = try Query("SELECT version, token FROM sources WHERE name = ?", in: db)
        try query.bind(1, source)
        return try query.first { (try $0.integer(0), Int(clamping: $0.int64(1))) } ?? (0, 0)
    }

    private static func take(_ step: SourceStep, in db: Database) throws {
        let move = try Query("INSERT OR REPLACE INTO sources (name, version, token) VALUES (?, ?, ?)", in: db)
        try move.bind(1, step.source)
        try move.bind(2, step.version + 1)
        try move.bind(3, step.token)
        try move.run()
        let remove = try Query("DELETE FROM source_entries WHERE source = ? AND name = ?", in: db)
        for name in step.removals {
            try remove.bind(1, step.source)
            try remove.bind(2, name)
            try remove.run()
        }
        let put = try Query("INSERT OR REPLACE INTO source_entries (source, name, value) VALUES (?, ?, ?)", in: db)
        for entry in step.puts {
            try put.bind(1, step.source)
            try put.bind(2, entry.name)
            try put.bind(3, blob: entry.value)
            try put.run()
        }
        if !step.deadLetters.isEmpty { try Self.setAside(step.deadLetters, in: db) }
    }
}
