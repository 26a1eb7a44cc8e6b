// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension ProjectionContract {
    static let rateRules: [Rule] = [
        Rule("rateIsTheNewest") { try await $0.rateIsTheNewest() },
        Rule("greaterSequenceOfAnExchangeWins") { try await $0.greaterSequenceOfAnExchangeWins() },
    ]

    func rateIsTheNewest() async throws {
        try await self.withTape { tape, rows in
            #expect(try await rows.rate(of: "BTC/USDT") == nil)
            _ = try await tape.append([
                [
                    .rate("1", of: "BTC/USDT", time: 5, #"{"rate":"1.10","bid":"1.0","ask":"1.2","exchange":"x"}"#),
                    .rate("2", of: "ETH/USDT", time: 6, #"{"rate":"3"}"#),
                ]
            ])
            let rate = Rate(
                pair: "BTC/USDT",
                rate: try #require(Amount("1.10")),
                bid: Amount("1.0"),
                ask: Amount("1.2"),
                exchange: "x",
                sequence: nil,
                updatedAt: .at(5),
                seq: 1
            )
            #expect(try await rows.rate(of: "BTC/USDT") == rate)
            #expect(try await rows.rates(after: nil, limit: 9).map(\.pair) == ["BTC/USDT", "ETH/USDT"])
            #expect(try await rows.rates(after: nil, limit: 1).map(\.pair) == ["BTC/USDT"])
            #expect(try await rows.rates(after: "BTC/USDT", limit: 9).map(\.pair) == ["ETH/USDT"])
            _ = try await tape.append([[.rate("3", of: "BTC/USDT", time: 4, #"{"rate":"2"}"#)]])
            let next = try #require(try await rows.rate(of: "BTC/USDT"))
            #expect(next.rate.description == "2")
            #expect(next.bid == nil)
            #expect(next.seq == 2)
        }
    }

    /// Each line: exchange and sequence in the order of the changes, and the index of the one that remains.
    private static let sequences: [(told: [(String?, Int?)], stands: Int)] = [
        ([("x", 1), ("x", 2)], 2), ([("x", 2), ("x", 1)], 1), ([("x", 2), ("x", 2)], 2), ([("x", 2), ("y", 1)], 2),
        ([(nil, 2), (nil, 1)], 1), ([("x", 2), (nil, 1)], 2), ([("x", 2), ("x", nil)], 2),
        ([("x", 9), ("x", nil), ("x", 3)], 3), ([("x", 9), ("y", 1), ("x", 3)], 3),
        ([("x", 9), ("x", 3), ("y", 1)], 3),
    ]

    func greaterSequenceOfAnExchangeWins() async throws {
        try await self.withTape { tape, rows in
            for (line, sample) in Self.sequences.enumerated() {
                for isSplit in [true, false] {
                    let pair = "P\(line)\(isSplit)"
                    let events = sample.told.enumerated().map { index, told in
                        let exchange = told.0.map { #","exchange":"\#($0)""# } ?? ""
                        let sequence = told.1.map { #","sequence":\#($0)"# } ?? ""
                        return Event.rate(
                            pair + "-\(index)",
                            of: pair,
                            #"{"rate":"\#(index + 1)"\#(exchange)\#(sequence)}"#
                        )
                    }
                    for request in isSplit ? events.map({ [$0] }) : [events] {
                        _ = try await tape.append([request])
                    }
                    #expect(try await rows.rate(of: pair)?.rate.description == "\(sample.stands)", "\(sample)")
                }
            }
        }
    }
}
