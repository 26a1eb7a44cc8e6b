// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import Logging
import TestSupport
import Testing

@testable import SQLiteStore

@Suite struct SQLiteProjectionTests {
    private func open(
        _ path: String,
        _ schema: Schema,
        progress: @escaping SchemaAdvance.Tell = { _ in }
    ) async throws -> SQLiteTape {
        let opening = Opening(path: path, schema: schema, allowMigration: true, progress: progress)
        return try await SQLiteTape(opening: opening) { Timestamp.now }
    }

    private func facts(_ count: Int, _ random: inout SplitMix) -> [Event] {
        (0..<count).map {
            ProjectionModel.Fact.random("\($0)", users: ["a", "b", "c"], pairs: ["P", "Q"], &random).event
        }
    }

    private func rows(_ tape: SQLiteTape) async throws -> [String] {
        let tables = ["users", "wallets", "transactions", "trade_orders", "p2p_transfers", "rates"]
        return try await tape.pool.read { db in
            try tables.flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \(table) ORDER BY 1, 2").map { "\(table) \($0)" }
            }
        }
    }

    /// What the migration makes of a log is what appending it with projections makes.
    @Test func olderTapeGetsItsRowsFromItsEvents() async throws {
        try await withTemporaryFolder { folder in
            var random = SplitMix(seed: 5)
            let events = self.facts(2500, &random)
            let old = try await self.open(
                folder + "/old",
                Schema(migrations: Array(Schema.current.migrations.prefix(1)))
            )
            // What this program writes and that one did not have.
            try await old.pool.write { db in try db.execute(sql: Schema.traces) }
            let new = try await self.open(folder + "/new", .current)
            for start in stride(from: 0, to: events.count, by: 500) {
                let part = Array(events[start..<start + 500])
                _ = try await new.append([part])
                // As the program of that version did it.
                _ = try await old.append([
                    part.map { event in
                        var event = event
                        event.projection = nil
                        return event
                    }
                ])
            }
            try await old.pool.write { db in try db.execute(sql: "ALTER TABLE events DROP COLUMN trace") }
            await old.close()
            let refused = await faultOf { _ = try await SQLiteTape(path: folder + "/old") }
            #expect(refused.isDamaged(saying: "version 1", "older", "broadtape migrate up"))
            let told = Watched<[SchemaAdvance]>([])
            let migrated = try await self.open(folder + "/old", .current) { advance in
                told.change { $0.append(advance) }
            }
            #expect(told.value.map(\.version).reduce(into: []) { if $0.last != $1 { $0.append($1) } } == [2, 3, 4, 5])
            let backfill = told.value.filter { $0.total > 0 }
            #expect(backfill.map(\.done) == [1_000, 2_000, 2_500])
            #expect(backfill.allSatisfy { $0.version == 2 && $0.total == 2_500 })
            let expected = try await self.rows(new)
            #expect(expected.count > 20)
            #expect(
                try await self.rows(migrated).filter { !$0.hasPrefix("users") }
                    == expected.filter { !$0.hasPrefix("users") }
            )
            #expect(try await migrated.users(after: nil, limit: 9).map(\.id) == ["a", "b", "c"])
            _ = try await migrated.append([[.projected("rateChange", "next", on: "P", #"{"rate":"77"}"#)]])
            #expect(try await migrated.rate(of: "P")?.rate.description == "77")
            await migrated.close()
            await new.close()
        }
    }

    @Test func referencesLeadSomewhere() async throws {
        try await withTemporaryFolder { folder in
            var random = SplitMix(seed: 6)
            let tape = try await SQLiteTape(path: folder + "/tape")
            _ = try await tape.append(self.facts(300, &random).map { [$0] })
            let broken = try await tape.pool.read { db in
                try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { "\($0)" }
            }
            #expect(broken == [])
            await tape.close()
        }
    }

    /// No page sorts, and none begins anywhere but at its cursor.
    @Test(arguments: [
        (
            ProjectionRows.transaction + " WHERE t.user_id = 'u' ORDER BY t.created_at DESC, t.id DESC",
            "by_time (user_id=?)"
        ),
        (
            ProjectionRows.transaction
                + " WHERE t.user_id = 'u' AND (t.created_at, t.id) < (1, 'x') ORDER BY t.created_at DESC, t.id DESC",
            "by_time (user_id=? AND (created_at,id)<(?,?))"
        ),
        (
            ProjectionRows.transaction
                + " WHERE t.user_id = 'u' AND t.wallet_id = 'w' AND (t.created_at, t.id) < (1, 'x')"
                + " ORDER BY t.created_at DESC, t.id DESC",
            "by_wallet (user_id=? AND wallet_id=? AND (created_at,id)<(?,?))"
        ),
        (ProjectionRows.wallet + " WHERE user_id = 'u' AND id > 'x' ORDER BY id", "PRIMARY KEY (user_id=? AND id>?)"),
        (ProjectionRows.rate + " WHERE pair > 'x' ORDER BY pair", "PRIMARY KEY (pair>?)"),
    ])
    func pagesAreFoundByIndex(_ sql: String, _ expected: String) async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape")
            let plan = try await tape.pool.read { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql).map { $0["detail"] as String }
            }
            #expect(plan.first?.contains(expected) == true, "\(plan)")
            #expect(!plan.contains { $0.contains("TEMP B-TREE") || $0.hasPrefix("SCAN") }, "\(plan)")
            await tape.close()
        }
    }

    /// Damage to one row must not stop the log.
    @Test func rowWithoutSenseIsMadeAnew() async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape")
            _ = try await tape.append([[.projected("balanceUpdate", "1", on: "u", #"{"balance":"1","version":9}"#)]])
            try await tape.pool.writeWithoutTransaction { db in try db.execute(sql: "UPDATE wallets SET balance = 'x'")
            }
            let fault = await faultOf { _ = try await tape.wallets(of: "u", after: nil, limit: 9) }
            #expect(fault.isDamaged(saying: "(u, USD…)"))
            _ = try await tape.append([[.projected("balanceUpdate", "2", on: "u", #"{"balance":"2"}"#)]])
            #expect(try await tape.wallet(RowKey(user: "u", id: "USD"))?.lastUpdate?.balance.description == "2")
            await tape.close()
        }
    }

    @Test func schemaIsToldAndMigratedWithoutAHub() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            let wanted = Schema.current.version
            #expect(
                await faultOf { _ = try await SQLiteTape.schemaStatus(path: path) }.isUnavailable(
                    saying: "no tape",
                    path
                )
            )
            let old = try await self.open(path, Schema(migrations: Array(Schema.current.migrations.prefix(1))))
            let status = try await SQLiteTape.schemaStatus(path: path)
            #expect(status.found == 1 && status.wanted == wanted)
            #expect(status.steps.map(\.isApplied) == [true] + Array(repeating: false, count: wanted - 1))
            #expect(await faultOf { _ = try await SQLiteTape.migrate(path: path) }.isUnavailable(saying: "in use"))
            await old.close()
            for _ in 1...2 {
                let steps = try await SQLiteTape.migrate(path: path).steps
                #expect(steps.map(\.isApplied) == Array(repeating: true, count: wanted))
            }
            #expect(try await SQLiteTape.schemaStatus(path: path).found == wanted)
            await (try await SQLiteTape(path: path)).close()
        }
    }
}
