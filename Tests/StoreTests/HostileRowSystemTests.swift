// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import GRDB
import TestSupport
import Testing

@testable import PostgresStore
@testable import SQLiteStore

/// Rows that somebody has changed behind the hub's back: what is read of them is an error or a value, and nothing traps.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct HostileRowSystemTests {
    private struct Column {
        let table: String
        let name: String
        let isNumber: Bool
    }

    private static let numbers = [Int.max, .min, -1]

    /// A little of everything that has rows.
    private static let events: [Event] = {
        var balance = Event.projected("balanceUpdate", "b1", on: "u", #"{"balance":"5","version":1,"currency":"EUR"}"#)
        balance.slot = "EUR"
        return [
            balance,
            .projected("balanceUpdate", "b2", on: "u", #"{"balance":"6","available":"5","version":2}"#),
            .projected(
                "transactionUpdate",
                "t1",
                keys: ["u", "v"],
                time: 7,
                #"{"type":"p2p","amount":"1","status":"new","userId":"u","recipientId":"v"}"#
            ),
            .projected(
                "transactionUpdate",
                "t2",
                on: "u",
                time: 6,
                #"{"type":"trade","amount":"1","status":"new","pair":"P","price":"2.0"}"#
            ),
            .projected("rateChange", "r1", on: "P", #"{"rate":"1","sequence":2,"exchange":"x"}"#),
            .sample("n1", on: "a", slot: "s"), .sample("n2", on: "a"), .sample("n3", on: "a", "b"),
        ]
    }()

    private static let channels = ["balanceUpdate:u", "transactionUpdate:u", "rateChange:P", "note:a", "note:b"]
        .compactMap { ChannelName(parsing: $0) }

    @Test func ofSQLite() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            try await Self.fill(try await SQLiteTape(path: path))
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            let columns = try Self.inSQLite(path) { db in
                try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'").flatMap { table in
                    try db.columns(in: table).map {
                        Column(table: table, name: $0.name, isNumber: $0.type == "INTEGER")
                    }
                }
            }
            #expect(columns.count > 50)
            let texts = try Self.texts()
            for column in columns {
                let values = column.isNumber ? Self.numbers.map(\.databaseValue) : texts.map(\.databaseValue)
                for value in values {
                    try whole.write(to: URL(fileURLWithPath: path))
                    try Self.inSQLite(path) { db in
                        let change = "UPDATE OR IGNORE \(column.table) SET \(column.name) = ?"
                        // What the table itself refuses cannot come about.
                        try? db.execute(sql: change, arguments: [value])
                    }
                    await Self.use { () async throws(TapeFault) in try await SQLiteTape(path: path) }
                }
            }
        }
    }

    private static func inSQLite<Value>(_ path: String, _ work: (Database) throws -> Value) throws -> Value {
        let queue = try DatabaseQueue(path: path)
        let value = try queue.writeWithoutTransaction(work)
        try queue.close()
        return value
    }

    @Test func ofPostgres() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema()
        try await Self.fill(try await PostgresTape(url: url, settings: .test(retention: .row)))
        let tables = """
            SELECT oid, relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
            AND relkind IN ('r', 'p') AND NOT relispartition
            """
        let columns = try await server.execute(
            """
            SELECT relname || ' ' || attname || ' ' || format_type(atttypid, NULL) FROM (\(tables)) AS tables
            JOIN pg_attribute ON attrelid = tables.oid WHERE attnum > 0 AND attidentity = ''
            """,
            at: url
        ).split(separator: "\n").map { $0.split(separator: " ", maxSplits: 2) }
        #expect(columns.count > 50)
        let names = Set(columns.map { $0[0] }).sorted()
        for name in names { _ = try await server.execute("CREATE TABLE kept_\(name) AS TABLE \(name)", at: url) }
        // Without looking whether rows still belong together.
        let whole =
            ["SET session_replication_role = replica", "TRUNCATE \(names.joined(separator: ", ")) CASCADE"]
            + names.map { "INSERT INTO \($0) OVERRIDING SYSTEM VALUE TABLE kept_\($0)" }
        for column in columns {
            for value in Self.values(of: column[2]) {
                let change = "UPDATE \(column[0]) SET \(column[1]) = \(value)"
                let careful = "DO $$ BEGIN \(change); EXCEPTION WHEN OTHERS THEN NULL; END $$"
                _ = try await server.execute((whole + [careful]).joined(separator: "; "), at: url)
                await Self.use { () async throws(TapeFault) in
                    try await PostgresTape(url: url, settings: .test(retention: .row))
                }
            }
        }
    }

    /// As Postgres writes them.
    private static func values(of type: Substring) -> [String] {
        switch type {
        case "bigint": Self.numbers.map { "\($0)" }
        case "integer": [Int32.max, -1].map { "\($0)" }
        case "text": ["''", "repeat(U&'\\0301', 300)"]
        case "bytea": ["'\\xff00'::bytea", "convert_to(repeat(U&'\\0301', 300), 'UTF8')"]
        default: []
        }
    }

    private static func texts() throws -> [String] {
        var mutator = ValueMutator(try HostileValues(), seed: 1)
        return ["", "9223372036854775807", mutator.text()]
    }

    private static func fill(_ tape: some FullTape) async throws {
        _ = try await tape.append([Self.events])
        let time = Timestamp(nanoseconds: 5)
        try await tape.note([SourceMark(source: "s", seq: 4, heard: time, types: ["note"])])
        try await tape.setAside([DeadLetter(received: time, channel: "c", payload: [1], reason: "r")])
        try await tape.revoke([Revocation(.token("t"), time: time, until: nil, reason: "r")])
        try await tape.record([
            AuditRecord(time: time, node: "n", actor: "a", action: .publish, object: "o", result: "accepted")
        ])
        _ = try await tape.append(
            [.sample("n4", on: "a")],
            with: SourceStep(source: "s", version: 0, puts: [SourceEntry(name: "place", value: [1])])
        )
        await tape.close()
    }

    /// Opens a tape and asks it for all that there is.
    private static func use(_ open: () async throws(TapeFault) -> some FullTape) async {
        guard let tape = try? await open() else { return }
        let limit = PageLimit(entries: 10, bytes: 1 << 20)
        _ = try? await tape.extents(of: Self.channels)
        _ = try? await tape.latest(of: Self.channels)
        for channel in Self.channels {
            for after in [0, 1, 3] { _ = try? await tape.page(of: channel, after: after, limit: limit) }
        }
        _ = try? await tape.channels(withPrefix: "", after: nil, limit: 10)
        _ = try? await tape.append([[.sample("n1", on: "a")], [.sample("new", on: "a", "c", slot: "s")]])
        if let rows = tape.projections {
            _ = try? await rows.wallets(of: "u", after: nil, limit: 10)
            _ = try? await rows.transactions(of: "u", matching: TransactionFilter(), after: nil, limit: 10)
            _ = try? await rows.rates(after: nil, limit: 10)
            _ = try? await rows.users(after: nil, limit: 10)
        }
        _ = try? await tape.sourceMarks()
        _ = try? await tape.deadLetters(limit: 10)
        _ = try? await tape.revocationChanges(after: 0, limit: 10)
        _ = try? await tape.auditEntries(AuditQuery(limit: 10))
        _ = try? await tape.state(of: "s", prefix: "place")
        _ = try? await tape.append([.sample("n5", on: "a")], with: SourceStep(source: "s", version: 1))
        _ = try? await Verification(tape: tape, types: EventTypes(), pageLimit: limit).run()
        _ = try? await tape.prune(type: "note", acceptedBefore: Timestamp(nanoseconds: .max), limit: 10)
        await tape.close()
    }
}

/// What both databases do.
private typealias FullTape = AuditStore & FanInStore & RevocationStore & SourceStore & Tape
