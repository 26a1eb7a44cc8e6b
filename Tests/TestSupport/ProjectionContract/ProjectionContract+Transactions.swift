// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension ProjectionContract {
    static let transactionRules: [Rule] = [
        Rule("transferGivesEachPartyARow") { try await $0.transferGivesEachPartyARow() },
        Rule("earlierTimeOnlyAgesATransaction") { try await $0.earlierTimeOnlyAgesATransaction() },
        Rule("whatAnUpdateLacksStays") { try await $0.whatAnUpdateLacksStays() },
        Rule("lettersComposedDifferentlyAreAChange") { try await $0.lettersComposedDifferentlyAreAChange() },
        Rule("transactionNamesItsWallets") { try await $0.transactionNamesItsWallets() },
    ]

    func transferGivesEachPartyARow() async throws {
        try await self.withTape { tape, rows in
            let data = #"""
                {"userId":"a","recipientId":"b","walletId":"main","transactionId":"t","type":"p2p","amount":"5.00",
                "status":"completed","currency":"EUR"}
                """#
            _ = try await tape.append([
                [.transaction("0", of: "b", #"{"type":"deposit","amount":"1","status":"new"}"#)],
                [.transaction("1", of: "a", and: "b", time: 30, data)],
            ])
            let sent = Transaction(
                key: RowKey(user: "a", id: "t"),
                type: "p2p",
                amount: try #require(Amount("5.00")),
                status: "completed",
                currency: "EUR",
                wallet: "main",
                createdAt: .at(30),
                updatedAt: .at(30),
                seq: 1,
                transfer: Transfer(recipient: "b", wallet: "EUR")
            )
            var received = sent
            received.key = RowKey(user: "b", id: "t")
            received.wallet = "EUR"
            received.seq = 2
            #expect(try await rows.transaction("a", "t") == sent)
            #expect(try await rows.transaction("b", "t") == received)
            #expect(try await rows.ids(of: "b") == ["0", "t"])
            #expect(try await rows.users(after: nil, limit: 9).map(\.id) == ["a", "b"])
        }
    }

    /// To `String` nothing changes.
    func lettersComposedDifferentlyAreAChange() async throws {
        func update(_ id: String, _ letter: String, _ type: String) -> Event {
            .transaction(
                id,
                of: "u",
                #"""
                {"transactionId":"t","type":"\#(type)","amount":"1","status":"\#(letter)","recipientId":"\#(letter)",
                "pair":"\#(letter)","side":"\#(letter)","currency":"\#(letter)"}
                """#
            )
        }
        try await self.withTape { tape, rows in
            var number = 0
            for type in ["trade", "p2p"] {
                for letter in ["\u{e9}", "e\u{301}", "\u{e9}"] {
                    number += 1
                    _ = try await tape.append([[update("\(number)", letter, type)]])
                    let row = try #require(try await rows.transaction("u", "t"))
                    let texts =
                        [row.status, row.currency, row.wallet]
                        + (type == "trade"
                            ? [row.trade?.pair, row.trade?.side] : [row.transfer?.recipient, row.transfer?.wallet])
                    #expect(texts.map { Array(($0 ?? "").utf8) }.allSatisfy { $0 == Array(letter.utf8) }, "\(texts)")
                }
            }
        }
    }

    func earlierTimeOnlyAgesATransaction() async throws {
        func update(_ id: String, _ time: Int64, _ status: String) -> Event {
            .transaction(
                id,
                of: "u",
                time: time,
                #"{"transactionId":"t","type":"x","amount":"1","status":"\#(status)"}"#
            )
        }
        try await self.withTape { tape, rows in
            for (event, expected) in [
                (update("1", 50, "new"), ("new", 50, 50, 1)),
                (update("2", 40, "early"), ("new", 40, 50, 1)),
                (update("3", 45, "between"), ("new", 40, 50, 1)),
                (update("4", 50, "same"), ("same", 40, 50, 4)),
                (update("5", 60, "late"), ("late", 40, 60, 5)),
            ] as [(Event, (String, Int64, Int64, Int))] {
                _ = try await tape.append([[event]])
                let row = try #require(try await rows.transaction("u", "t"))
                #expect((row.status, row.createdAt.nanoseconds, row.updatedAt.nanoseconds, row.seq) == expected)
            }
        }
    }

    func whatAnUpdateLacksStays() async throws {
        try await self.withTape { tape, rows in
            _ = try await tape.append([
                [
                    .transaction(
                        "1",
                        of: "u",
                        #"""
                        {"transactionId":"t","type":"trade","amount":"1","status":"open","walletId":"w","currency":"BTC",
                        "pair":"BTC/USDT","side":"buy","price":"10.0"}
                        """#
                    )
                ],
                [
                    .transaction(
                        "2",
                        of: "u",
                        #"{"transactionId":"t","type":"trade","amount":"2","status":"partly","filledAmount":"0.5"}"#
                    )
                ],
            ])
            let row = try #require(try await rows.transaction("u", "t"))
            #expect(row.amount.description == "2")
            #expect(row.status == "partly")
            #expect(row.currency == "BTC")
            #expect(row.wallet == "w")
            let trade = TradeOrder(pair: "BTC/USDT", side: "buy", price: Amount("10.0"), filledAmount: Amount("0.5"))
            #expect(row.trade == trade)
            _ = try await tape.append([
                [.transaction("3", of: "u", #"{"transactionId":"t","type":"other","amount":"3","status":"done"}"#)]
            ])
            let last = try #require(try await rows.transaction("u", "t"))
            #expect(last.type == "other")
            #expect(last.trade == trade)
        }
    }

    /// Wallets without a reported balance; a balance reported before or after is not changed.
    func transactionNamesItsWallets() async throws {
        try await self.withTape { tape, rows in
            func deposit(_ id: String, _ more: String = "") -> Event {
                .transaction(id, of: "u", #"{"type":"deposit","amount":"1","status":"done"\#(more)}"#)
            }
            _ = try await tape.append([
                [deposit("1")],
                [deposit("2", #","currency":"EUR""#)],
                [.balance("3", of: "u", #"{"balance":"7","currency":"CHF"}"#)],
                [deposit("4", #","currency":"CHF""#)],
                [deposit("5", #","walletId":"w","currency":"EUR""#)],
            ])
            _ = try await tape.append([
                [.balance("6", of: "u", #"{"balance":"8","currency":"EUR"}"#)], [deposit("7", #","currency":"EUR""#)],
            ])
            let wallets = try await rows.wallets(of: "u", after: nil, limit: 9)
            #expect(wallets.map(\.key.id) == ["CHF", "EUR", "USD", "w"])
            #expect(wallets.map(\.currency) == ["CHF", "EUR", "USD", "EUR"])
            #expect(wallets.map { $0.lastUpdate?.balance.description } == ["7", "8", nil, nil])
        }
    }
}
