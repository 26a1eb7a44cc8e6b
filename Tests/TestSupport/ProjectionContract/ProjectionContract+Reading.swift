// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension ProjectionContract {
    static let readingRules: [Rule] = [
        Rule("transactionsPageNewestFirst") { try await $0.transactionsPageNewestFirst() },
        Rule("filtersPage") { try await $0.filtersPage() },
        Rule("walletsAndUsersPage") { try await $0.walletsAndUsersPage() },
        Rule("verificationTakesAnyKey") { try await $0.verificationTakesAnyKey() },
        Rule("textsAreToldApartAndOrderedByBytes") { try await $0.textsAreToldApartAndOrderedByBytes() },
    ]

    /// Users and pairs whose names begin with what joins the colon before them, or are the same to `String`.
    func verificationTakesAnyKey() async throws {
        let keys = [
            "u", "\u{301}", "\u{301}x", "\u{200d}a", "\u{600}", ":", ":\u{301}", "\u{e9}", "e\u{301}", "K", "\u{212a}",
        ]
        try await self.withTape { tape, rows in
            for (index, key) in keys.enumerated() {
                _ = try await tape.append([
                    [.balance("b\(index)", of: key, #"{"balance":"\#(index)","currency":"\#(key)"}"#)],
                    [.transaction("t\(index)", of: key, and: "z", #"{"type":"p2p","amount":"1","status":"new"}"#)],
                    [.rate("r\(index)", of: key, #"{"rate":"1"}"#)],
                ])
            }
            let limit = PageLimit(entries: 3, bytes: 1 << 20)
            let report = try await Verification(tape: tape, types: EventTypes(), pageLimit: limit).run()
            #expect(report.findings == [])
            #expect(report.channels == 3 * keys.count + 1)
            let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { Array($0.utf8) }
            var pairs: [[UInt8]] = []
            var last: String?
            while let rate = try await rows.rates(after: last, limit: 1).first {
                pairs.append(Array(rate.pair.utf8))
                last = rate.pair
            }
            #expect(pairs == sorted)
        }
    }

    private func deposits(_ count: Int) -> [Event] {
        (0..<count).map { index in
            .transaction(
                // Several of one time, so that the id decides.
                String(index, radix: 36),
                of: index % 4 == 3 ? "other" : "u",
                time: Int64(index / 5),
                #"""
                {"type":"\#(["deposit", "withdrawal"][index % 2])","amount":"\#(index)","currency":"\#(["EUR", "USD"][index % 3 / 2])",
                "status":"\#(["new", "done", "failed"][index % 3])"}
                """#
            )
        }
    }

    func transactionsPageNewestFirst() async throws {
        try await self.withTape { tape, rows in
            let events = self.deposits(120)
            _ = try await tape.append([events])
            let expected = Self.ids(events.filter { $0.keys == ["u"] })
            for limit in [1, 7, 90, 1000] {
                #expect(try await rows.ids(of: "u", by: limit) == expected)
            }
            #expect(try await rows.ids(of: "nobody") == [])
            #expect(try await rows.transactions(of: "u", matching: TransactionFilter(), after: nil, limit: 0) == [])
        }
    }

    private static func ids(_ events: [Event]) -> [String] {
        events.sorted { left, right in
            left.time != right.time ? left.time > right.time : right.id.utf8.lexicographicallyPrecedes(left.id.utf8)
        }.map(\.id)
    }

    func filtersPage() async throws {
        try await self.withTape { tape, rows in
            let events = self.deposits(150)
            _ = try await tape.append([events])
            func matches(_ event: Event, _ word: String?) -> Bool {
                word.map { String(decoding: event.data, as: UTF8.self).contains("\"\($0)\"") } ?? true
            }
            for wallet in [nil, "EUR", "USD", "none"] {
                for type in [nil, "deposit", "none"] {
                    for status in [nil, "done", "none"] {
                        let filter = TransactionFilter(wallet: wallet, type: type, status: status)
                        let expected = Self.ids(
                            events.filter {
                                $0.keys == ["u"] && matches($0, wallet) && matches($0, type) && matches($0, status)
                            }
                        )
                        #expect(try await rows.ids(of: "u", filter, by: 4) == expected, "\(filter)")
                    }
                }
            }
        }
    }

    func walletsAndUsersPage() async throws {
        try await self.withTape { tape, rows in
            let names = ["b", "a", "d", "c"]
            _ = try await tape.append([
                names.map { .balance($0, of: "u", #"{"balance":"1","walletId":"\#($0)"}"#) },
                names.map { .balance("u" + $0, of: $0, #"{"balance":"1"}"#) },
            ])
            #expect(try await rows.wallets(of: "u", after: nil, limit: 2).map(\.key.id) == ["a", "b"])
            #expect(try await rows.wallets(of: "u", after: "b", limit: 9).map(\.key.id) == ["c", "d"])
            #expect(try await rows.wallets(of: "u", after: "bb", limit: 1).map(\.key.id) == ["c"])
            #expect(try await rows.wallets(of: "u", after: "d", limit: 9) == [])
            #expect(try await rows.wallets(of: "a", after: nil, limit: 9).map(\.key) == [RowKey(user: "a", id: "USD")])
            #expect(try await rows.wallet("nobody", "a") == nil)
            #expect(try await rows.users(after: nil, limit: 2).map(\.id) == ["a", "b"])
            #expect(try await rows.users(after: "b", limit: 9).map(\.id) == ["c", "d", "u"])
        }
    }

    func textsAreToldApartAndOrderedByBytes() async throws {
        try await self.withTape { tape, rows in
            let names = ["Z", "a", "e\u{301}", "z", "\u{E9}"]
            _ = try await tape.append([
                names.map { .balance($0, of: "u", #"{"balance":"1","walletId":"\#($0)"}"#) },
                names.map {
                    .transaction("t" + $0, of: $0, #"{"type":"x","amount":"1","status":"s","transactionId":"\#($0)"}"#)
                },
                names.map { .rate("r" + $0, of: $0, #"{"rate":"1"}"#) },
            ])
            func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
            #expect(bytes(try await rows.wallets(of: "u", after: nil, limit: 9).map(\.key.id)) == bytes(names))
            #expect(bytes(try await rows.rates(after: nil, limit: 9).map(\.pair)) == bytes(names))
            #expect(
                bytes(try await rows.users(after: nil, limit: 9).map(\.id))
                    == bytes(["Z", "a", "e\u{301}", "u", "z", "\u{E9}"])
            )
            for name in names {
                #expect(bytes(try await rows.ids(of: name)) == bytes([name]))
            }
        }
    }
}
