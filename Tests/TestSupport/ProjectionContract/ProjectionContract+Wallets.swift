// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension ProjectionContract {
    static let walletRules: [Rule] = [
        Rule("balanceMakesUserAndWallet") { try await $0.balanceMakesUserAndWallet() },
        Rule("greaterVersionWins") { try await $0.greaterVersionWins() },
        Rule("amountsKeepScaleInCanonicalForm") { try await $0.amountsKeepScaleInCanonicalForm() },
        Rule("duplicatesAndConflictsProjectNothing") { try await $0.duplicatesAndConflictsProjectNothing() },
        Rule("unusableDataIsCommittedAndSkipped") { try await $0.unusableDataIsCommittedAndSkipped() },
        Rule("typesWithoutProjectionChangeNoRow") { try await $0.typesWithoutProjectionChangeNoRow() },
        Rule("rowsOutliveClosing") { try await $0.rowsOutliveClosing() },
    ]

    func balanceMakesUserAndWallet() async throws {
        try await self.withTape { tape, rows in
            _ = try await tape.append([
                [.balance("1", of: "u", time: 7, #"{"balance":"1.50","available":"1.25","version":3}"#)],
                [.balance("2", of: "u", time: 9, #"{"balance":"2","currency":"EUR","walletId":"w"}"#)],
            ])
            let told = Wallet.Balance(
                balance: try #require(Amount("1.50")),
                available: Amount("1.25"),
                version: 3,
                updatedAt: .at(7),
                seq: 1
            )
            let usd = Wallet(key: RowKey(user: "u", id: "USD"), currency: "USD", lastUpdate: told)
            #expect(try await rows.wallet("u", "USD") == usd)
            let named = try #require(try await rows.wallet("u", "w"))
            #expect(named.currency == "EUR")
            #expect(named.lastUpdate?.available == nil)
            #expect(named.lastUpdate?.version == nil)
            #expect(try await rows.wallets(of: "u", after: nil, limit: 10) == [usd, named])
            #expect(try await rows.users(after: nil, limit: 10) == [User(id: "u", createdAt: .at(7))])
            #expect(try await rows.wallet("u", "EUR") == nil)
        }
    }

    /// Each line: versions in the order of the updates (nil for none), the index of the one that remains, and its
    /// stored version.
    private static let versions: [(told: [Int?], stands: Int, version: Int?)] = [
        ([1, 2], 2, 2), ([2, 1], 1, 2), ([2, 2], 2, 2), ([nil, nil], 2, nil), ([nil, 1], 2, 1), ([5, nil], 2, 5),
        ([5, nil, 3], 2, 5), ([5, nil, 6], 3, 6), ([5, nil, 5], 3, 5), ([nil, 9, 8, nil], 4, 9),
        ([Int.max, Int.max - 1], 1, Int.max), ([Int.min, -1], 2, -1),
    ]

    /// In one append each, and all in one.
    func greaterVersionWins() async throws {
        try await self.withTape { tape, rows in
            for (line, sample) in Self.versions.enumerated() {
                for isSplit in [true, false] {
                    let user = "u\(line)\(isSplit)"
                    let events = sample.told.enumerated().map { index, version in
                        let version = version.map { #","version":\#($0)"# } ?? ""
                        return Event.balance(user + "-\(index)", of: user, #"{"balance":"\#(index + 1)"\#(version)}"#)
                    }
                    for request in isSplit ? events.map({ [$0] }) : [events] {
                        _ = try await tape.append([request])
                    }
                    let told = try await rows.wallet(user, "USD")?.lastUpdate
                    #expect(told?.balance.description == "\(sample.stands)", "\(sample)")
                    #expect(told?.version == sample.version, "\(sample)")
                    #expect(told?.seq == sample.stands, "\(sample)")
                }
            }
        }
    }

    func amountsKeepScaleInCanonicalForm() async throws {
        let long = "9" + String(repeating: "0", count: 77) + "." + String(repeating: "1", count: 18)
        let samples = [
            ("123.450", "123.450"), ("0", "0"), ("-0", "0"), ("-0.00", "0.00"), ("007.10", "7.10"),
            ("-007.10", "-7.10"),
            ("000", "0"), ("00.5", "0.5"), ("-0.5", "-0.5"), ("1.", nil), (long, long), ("-" + long, "-" + long),
        ]
        try await self.withTape { tape, rows in
            for (index, (published, stored)) in samples.enumerated() {
                _ = try await tape.append([
                    [.balance("\(index)", of: "u", #"{"walletId":"w\#(index)","balance":"\#(published)"}"#)]
                ])
                #expect(try await rows.wallet("u", "w\(index)")?.lastUpdate?.balance.description == stored)
            }
        }
    }

    func duplicatesAndConflictsProjectNothing() async throws {
        try await self.withTape { tape, rows in
            let first = Event.balance("1", of: "u", #"{"balance":"1"}"#)
            _ = try await tape.append([[first], [.balance("2", of: "u", #"{"balance":"2"}"#)]])
            let outcomes = try await tape.append([
                [first],
                [.balance("3", of: "u", #"{"balance":"3"}"#), .balance("2", of: "u", #"{"balance":"4"}"#)],
            ])
            #expect(outcomes.last == .conflict(items: [1]))
            #expect(try await rows.wallet("u", "USD")?.lastUpdate?.balance.description == "2")
        }
    }

    func unusableDataIsCommittedAndSkipped() async throws {
        let long = String(repeating: "x", count: 257)
        let bad = [
            Event.balance("b1", of: "u", #"{}"#),
            .balance("b2", of: "u", #"{"balance":1}"#),
            .balance("b3", of: "u", #"{"balance":"1","walletId":"a\u0000b"}"#),
            .balance("b4", of: "u", #"{"balance":"1","currency":""}"#),
            .balance("b5", of: "u", #"{"balance":"1","version":1.5}"#),
            .balance("b6", of: "u", #"{"balance":"1","version":9223372036854775808}"#),
            .balance("b7", of: "u", #"{"balance":"1","walletId":"\#(long)"}"#),
            .balance("b8", of: "u", "not JSON"),
            .transaction("t1", of: "u", #"{"type":"deposit","amount":"1"}"#),
            .transaction("t2", of: "u", #"{"type":"p2p","amount":"1","status":"new","recipientId":"\u0000"}"#),
            .transaction("t3", of: "u", #"{"type":"trade","amount":"1","status":"new","price":"x"}"#),
            .rate("r1", of: "P", #"{"rate":"1","exchange":"a\u0000"}"#),
            .rate("r2", of: "P", #"{"rate":null}"#),
        ]
        try await self.withTape { tape, rows in
            let before = rows.skipped
            let good = Event.balance("good", of: "u", #"{"balance":"5","available":null}"#)
            let outcomes = try await tape.append([bad, [good]])
            #expect(outcomes.map { $0.seqs?.count } == [bad.count, 1])
            #expect(rows.skipped - before == bad.count)
            #expect(try await rows.wallets(of: "u", after: nil, limit: 9).map(\.key.id) == ["USD"])
            #expect(try await rows.wallet("u", "USD")?.lastUpdate?.balance.description == "5")
            #expect(try await rows.ids(of: "u") == [])
            #expect(try await rows.rates(after: nil, limit: 9) == [])
            #expect(try await rows.users(after: nil, limit: 9).map(\.id) == ["u"])
        }
    }

    func typesWithoutProjectionChangeNoRow() async throws {
        try await self.withTape { tape, rows in
            var event = Event.balance("1", of: "u", #"{"balance":"1"}"#)
            event.projection = nil
            _ = try await tape.append([[event, .sample("2", on: "u", data: #"{"balance":"1"}"#)]])
            #expect(try await rows.users(after: nil, limit: 9) == [])
            #expect(try await rows.wallets(of: "u", after: nil, limit: 9) == [])
        }
    }

    func rowsOutliveClosing() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append([[.balance("1", of: "u", #"{"balance":"1","version":5}"#)]])
        }
        try await self.withTape { tape, rows in
            _ = try await tape.append([[.balance("2", of: "u", #"{"balance":"2","version":4}"#)]])
            #expect(try await rows.wallet("u", "USD")?.lastUpdate?.balance.description == "1")
        }
    }
}
