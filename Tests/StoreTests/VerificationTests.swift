// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization
import TestSupport
import Testing

@testable import EventLog
@testable import SQLiteStore

@Suite struct VerificationTests {
    private func withTape(_ body: (SQLiteTape) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape")
            try await body(tape)
            await tape.close()
        }
    }

    private func verify(_ tape: any Tape) async throws -> Verification.Report {
        let limit = PageLimit(entries: 3, bytes: 1 << 20)
        return try await Verification(tape: tape, types: EventTypes(), pageLimit: limit).run()
    }

    /// A little of everything.
    private static let events: [Event] = {
        func balance(_ id: String, _ user: String, _ slot: String, _ data: String) -> Event {
            var event = Event.projected("balanceUpdate", id, on: user, data)
            event.slot = slot
            return event
        }
        return [
            balance("b1", "u", "USD", #"{"balance":"5","version":1}"#),
            balance("b2", "u", "EUR", #"{"balance":"6","currency":"EUR"}"#),
            balance("b3", "u", "USD", #"{"balance":"7","available":"6","version":3}"#),
            balance("b4", "u", "USD", #"{"balance":"8","version":2}"#),
            .projected("transactionUpdate", "t1", on: "u", time: 5, #"{"type":"deposit","amount":"1","status":"new"}"#),
            .projected(
                "transactionUpdate",
                "t2",
                on: "u",
                time: 6,
                #"{"type":"trade","amount":"1","status":"new","pair":"P","price":"2.0"}"#
            ),
            .projected(
                "transactionUpdate",
                "t3",
                keys: ["u", "v"],
                time: 7,
                #"{"type":"p2p","amount":"1","status":"new","userId":"u","recipientId":"v"}"#
            ),
            .projected("rateChange", "r1", on: "P", #"{"rate":"1","sequence":2,"exchange":"x"}"#),
            .projected("rateChange", "r2", on: "P", #"{"rate":"2","sequence":1,"exchange":"x"}"#),
            .sample("n1", on: "a"), .sample("n2", on: "a"), .sample("n3", on: "a"),
        ]
    }()

    @Test func itTellsHowFarItIs() async throws {
        try await self.withTape { tape in
            _ = try await tape.append([Self.events])
            let told = Watched<[Verification.Progress]>([])
            let limit = PageLimit(entries: 3, bytes: 1 << 20)
            let report = try await Verification(tape: tape, types: EventTypes(), pageLimit: limit).run(
                progress: { progress in told.change { $0.append(progress) } }
            )
            let entries = told.value.map(\.entries)
            #expect(entries == entries.sorted() && entries.last == report.entries, "\(entries)")
            #expect(told.value.allSatisfy { $0.total == report.entries })
            #expect(told.value.last?.channels == report.channels)
        }
    }

    @Test func wholeTapeIsWhole() async throws {
        try await self.withTape { tape in
            _ = try await tape.append([Self.events])
            let report = try await self.verify(tape)
            #expect(report.findings == [])
            #expect(report.findingCount == 0)
            #expect(report.channels == 5)
            #expect(report.entries == 13)
            // Two wallets, three and one transactions, a rate.
            #expect(report.rows == 7)
            #expect(report.skipped == 0)
            #expect(report.unsettled == [])
        }
    }

    @Test func emptyTapeIsWhole() async throws {
        try await self.withTape { tape in
            let report = try await self.verify(tape)
            #expect(report.findings == [])
            #expect(report.channels == 0)
        }
    }

    @Test func tapeWithoutProjectionsIsWhole() async throws {
        let tape = MemoryTape()
        _ = try await tape.append([Self.events])
        let report = try await self.verify(tape)
        #expect(report.findings == [])
        #expect(report.entries == 13)
        #expect(report.rows == 0)
    }

    /// Damage, the place that is found, and words of what is said of it.
    private static let damages: [(sql: String, place: String, words: [String])] = [
        ("UPDATE wallets SET balance = '9' WHERE id = 'USD' AND user_id = 'u'", "wallet USD of u", ["9 USD", "7 USD"]),
        ("UPDATE wallets SET balance = '7.0' WHERE id = 'USD'", "wallet USD of u", ["7.0 USD", "7 USD"]),
        (
            "UPDATE wallets SET available = NULL WHERE id = 'USD'", "wallet USD of u",
            ["available none", "available 6"]
        ),
        ("UPDATE wallets SET version = 4 WHERE id = 'USD'", "wallet USD of u", ["version 4", "version 3"]),
        ("UPDATE wallets SET updated_at = 1 WHERE id = 'USD'", "wallet USD of u", ["number 3"]),
        ("UPDATE wallets SET seq = 4 WHERE id = 'USD'", "wallet USD of u", ["number 4", "number 3"]),
        ("UPDATE wallets SET currency = 'USD' WHERE id = 'EUR'", "wallet EUR of u", ["6 USD", "6 EUR"]),
        ("UPDATE wallets SET balance = 'x' WHERE id = 'EUR'", "balanceUpdate:u", ["(u, EUR…)", "no sense"]),
        ("DELETE FROM wallets WHERE id = 'EUR'", "wallet EUR of u", ["is missing", "number 2"]),
        ("DELETE FROM wallets WHERE user_id = 'v'", "wallet USD of v", ["is missing", "transaction t3 of u"]),
        (
            "INSERT INTO wallets VALUES ('u', 'X', 'X', '1', NULL, NULL, 1, 1)", "wallet X of u",
            ["has no event", "number 1"]
        ),
        ("INSERT INTO wallets VALUES ('v', 'X', 'X', '1', NULL, NULL, 1, 1)", "wallet X of v", ["no event"]),
        ("DELETE FROM users WHERE id = 'u'", "user u", ["is missing"]),
        ("UPDATE users SET id = 'w' WHERE id = 'v'", "user v", ["is missing"]),
        ("UPDATE transactions SET status = 'done' WHERE id = 't1'", "transaction t1 of u", ["done", "new"]),
        ("UPDATE transactions SET amount = '2' WHERE id = 't3' AND user_id = 'v'", "transaction t3 of v", ["of 2"]),
        ("UPDATE transactions SET created_at = 4 WHERE id = 't1'", "transaction t1 of u", ["number 1"]),
        ("UPDATE transactions SET wallet_id = 'EUR' WHERE id = 't1'", "transaction t1 of u", ["wallet EUR"]),
        ("DELETE FROM transactions WHERE id = 't1'", "transaction t1 of u", ["is missing"]),
        (
            "INSERT INTO transactions VALUES ('u', 'x', 'x', '1', 's', NULL, 'USD', 1, 1, 1)", "transaction x of u",
            ["has no event"]
        ),
        (
            """
            INSERT INTO users VALUES ('z', 1); INSERT INTO wallets (user_id, id, currency) VALUES ('z', 'USD', 'USD');
            INSERT INTO transactions VALUES ('z', 'x', 'x', '1', 's', NULL, 'USD', 1, 1, 1)
            """, "transaction x of z", ["no event"]
        ),
        ("UPDATE trade_orders SET price = '2.00'", "transaction t2 of u", ["at 2.00", "at 2.0"]),
        ("DELETE FROM trade_orders", "transaction t2 of u", ["trade"]),
        ("UPDATE p2p_transfers SET recipient_id = 'u' WHERE user_id = 'v'", "transaction t3 of v", ["to u", "to v"]),
        ("DELETE FROM p2p_transfers WHERE user_id = 'u'", "transaction t3 of u", ["to v"]),
        ("UPDATE rates SET rate = '2', seq = 2, sequence = 1", "rate P", ["2 (", "1 ("]),
        ("UPDATE rates SET bid = '1'", "rate P", ["bid 1", "bid none"]),
        ("DELETE FROM rates", "rate P", ["is missing", "number 1"]),
        ("INSERT INTO rates VALUES ('Q', '1', NULL, NULL, NULL, NULL, 1, 1)", "rate Q", ["no event"]),
        (
            "DELETE FROM positions WHERE seq = 2 AND channel = (SELECT id FROM channels WHERE name = 'note:a')",
            "note:a", ["2"]
        ),
        (
            "UPDATE positions SET seq = 4 WHERE seq = 3 AND channel = (SELECT id FROM channels WHERE name = 'note:a')",
            "note:a", ["lacks number 3"]
        ),
        ("DELETE FROM events WHERE event_id = 'n2'", "note:a", ["lacks number 2"]),
        ("UPDATE channels SET first = 9 WHERE name = 'note:a'", "note:a", ["9…3"]),
        ("UPDATE channels SET first = 0 WHERE name = 'note:a'", "note:a", ["0…3"]),
        ("DELETE FROM newest WHERE slot = 'EUR'", "balanceUpdate:u", ["nothing as the newest", "EUR"]),
        (
            "UPDATE newest SET seq = 1, event = 1 WHERE slot = 'EUR'", "balanceUpdate:u",
            ["newest of slot \"EUR\"", "number 2"]
        ),
        ("UPDATE events SET data = '[]' WHERE event_id = 'n2'", "note:a", ["number 2", "not a JSON object"]),
        ("UPDATE events SET data = '{\"balance\":\"1\"}' WHERE event_id = 'b2'", "wallet EUR of u", ["no event"]),
    ]

    @Test(arguments: Self.damages.indices)
    func damageIsFound(_ index: Int) async throws {
        let damage = Self.damages[index]
        try await self.withTape { tape in
            _ = try await tape.append([Self.events])
            try await tape.pool.writeWithoutTransaction { db in try db.execute(sql: damage.sql) }
            let report = try await self.verify(tape)
            let finding = report.findings.first { $0.place == damage.place }
            #expect(finding != nil, "\(damage.sql): \(report.findings)")
            for word in damage.words {
                #expect(finding?.text.contains(word) == true, "\(damage.sql): \(report.findings)")
            }
            #expect(report.findingCount == report.findings.count)
        }
    }

    /// Retention forgets what rows are from; that is no damage. What is forgotten cannot be compared, what is retained
    /// still is.
    @Test(arguments: UInt64(1)...6)
    func prunedTapeIsWhole(_ seed: UInt64) async throws {
        try await self.withTape { tape in
            var random = SplitMix(seed: seed)
            for round in 0..<6 {
                let events = (0..<40).map {
                    ProjectionModel.Fact.random("\(round)-\($0)", users: ["a", "b"], pairs: ["P"], &random).event
                }
                _ = try await tape.append([events])
                let report = try await self.verify(tape)
                #expect(report.findings == [], "round \(round)")
                for type in EventTypes.builtIn {
                    let limit = Int.random(in: 0...30, using: &random)
                    _ = try await tape.prune(
                        type: type.name,
                        acceptedBefore: Timestamp(nanoseconds: .max),
                        limit: limit
                    )
                }
                #expect(try await self.verify(tape).findings == [], "round \(round) pruned")
            }
        }
    }

    @Test(arguments: [
        ("UPDATE wallets SET balance = '9' WHERE id = 'EUR'", "wallet EUR of u"),
        ("UPDATE wallets SET balance = '9' WHERE id = 'USD'", "wallet USD of u"),
        ("DELETE FROM wallets WHERE id = 'USD'", "wallet USD of u"),
        ("UPDATE transactions SET status = 'x' WHERE id = 't3'", "transaction t3 of u"),
        ("UPDATE transactions SET seq = 2 WHERE id = 't3'", "transaction t3 of u"),
        ("UPDATE p2p_transfers SET recipient_id = 'u'", "transaction t3 of u"),
        ("DELETE FROM transactions WHERE id = 't3'", "transaction t3 of u"),
    ])
    func damageOfWhatIsRetainedIsFound(_ sql: String, _ place: String) async throws {
        try await self.withTape { tape in
            _ = try await tape.append([Self.events])
            var newest = Event.projected("balanceUpdate", "b5", on: "u", #"{"balance":"9.5","version":5}"#)
            newest.slot = "USD"
            _ = try await tape.append([[newest]])
            for type in ["balanceUpdate", "transactionUpdate"] {
                #expect(try await tape.prune(type: type, acceptedBefore: Timestamp(nanoseconds: .max), limit: 9) > 1)
            }
            #expect(try await self.verify(tape).findings == [])
            try await tape.pool.writeWithoutTransaction { db in try db.execute(sql: sql) }
            let report = try await self.verify(tape)
            #expect(report.findings.contains { $0.place == place }, "\(report.findings)")
        }
    }

    @Test func findingsBeyondThoseKeptAreCounted() async throws {
        try await self.withTape { tape in
            let count = Verification.Report.keptFindings + 20
            _ = try await tape.append([
                (1...count).map { .projected("balanceUpdate", "\($0)", on: "u\($0)", #"{"balance":"1"}"#) }
            ])
            try await tape.pool.writeWithoutTransaction { db in try db.execute(sql: "UPDATE wallets SET balance = '2'")
            }
            let told = Mutex(0)
            let report = try await Verification(tape: tape, types: EventTypes()).run { _ in told.withLock { $0 += 1 } }
            #expect(report.findingCount == count)
            #expect(told.withLock { $0 } == count)
            #expect(report.findings.count == Verification.Report.keptFindings)
        }
    }

    @Test func skippedEntriesAreCounted() async throws {
        try await self.withTape { tape in
            _ = try await tape.append([[.projected("balanceUpdate", "1", on: "u", "{}")]])
            let report = try await self.verify(tape)
            #expect(report.findings == [])
            #expect(report.skipped == 1)
        }
    }
}
