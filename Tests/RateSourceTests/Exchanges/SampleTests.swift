// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import JSON
import RateSource
import Testing

struct SampleTests {
    private static let members: [(String, @Sendable (Quote) -> DecimalNumber?)] = [
        ("last", { $0.last }), ("bid", { $0.bid }), ("ask", { $0.ask }), ("bidVolume", { $0.bidVolume }),
        ("askVolume", { $0.askVolume }),
        ("open", { $0.open }), ("high", { $0.high }), ("low", { $0.low }), ("vwap", { $0.vwap }),
        ("previousClose", { $0.previousClose }),
        ("change", { $0.change }), ("percentage", { $0.percentage }), ("baseVolume", { $0.baseVolume }),
        ("quoteVolume", { $0.quoteVolume }),
    ]

    /// All that the library says of a message, but for `average`, which no exchange says.
    @Test(arguments: Samples.names)
    func sampleBecomesTheUnifiedTicker(_ name: String) throws {
        let sample = try #require(try Samples.load()[name])
        let raw = try #require(sample["raw"]).compacted()
        let wanted = try #require(sample["ccxt"])
        let quote = try #require(Samples.read(name, raw).first?.quote)
        for (member, path) in Self.members {
            let number = wanted[member]?.number
            let ours = path(quote)
            guard let number else {
                #expect(ours == nil, "\(member)")
                continue
            }
            let text = try #require(ours, "\(member)").description
            if DecimalNumber(number) == ours { continue }
            // What the library has computed in floating point agrees as far as that goes, and our 8 digits.
            let (one, two) = (try #require(Double(text)), try #require(Double(number)))
            #expect(abs(one - two) <= max(1e-8, abs(two) * 1e-9), "\(member): \(text), not \(number)")
            #expect(["percentage", "quoteVolume", "vwap"].contains(member))
        }
        let time = wanted["timestamp"]?.integer(in: .seq)
        #expect(quote.time.map { Int($0.nanoseconds / 1_000_000) } == time)
        let symbol = try #require(wanted["symbol"]?.string)
        let pair = try #require(Pair(symbol))
        var book = RateBook(Self.exchanges(pair), at: .now)
        let index = name.hasPrefix("binance") ? 0 : name.hasPrefix("coinbase") ? 1 : 2
        #expect(book.received([.quote(quote)], from: index, at: .now).quotes == 1)
    }

    private static func exchanges(_ pair: Pair) -> [Exchange] {
        [Dialect.binance, .coinbase, .kraken].map {
            Exchange(name: $0.rawValue, dialect: $0, markets: [Market(pair: pair)])
        }
    }

    /// The text of JSON numbers is kept, whatever a floating-point number would make of it.
    @Test func numbersKeepTheirText() throws {
        let text = #"""
            {"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":108359.800000000000001,
            "ask":1.083599e5,"last":108359.80000000000000100,"volume":1e-7}]}
            """#
        let quote = try #require(Dialect.kraken.read(text).first?.quote)
        #expect(quote.bid?.description == "108359.800000000000001")
        #expect(quote.ask?.description == "108359.9")
        #expect(quote.last?.description == "108359.800000000000001")
        #expect(quote.baseVolume?.description == "0.0000001")
    }

    @Test func timeIsReadInAnyUnit() throws {
        func time(_ number: String) -> Timestamp? {
            Dialect.binance.read(#"{"e":"24hrTicker","s":"BTCUSDT","c":"1","C":\#(number)}"#).first?.quote?.time
        }
        let time0 = Timestamp(nanoseconds: 1_672_515_782_100_000_000)
        #expect(time("1672515782100") == time0)
        #expect(time("1672515782100000") == time0)
        #expect(time("1672515782100000000") == time0)
        #expect(time("-1") == nil)
        #expect(time("99999999999999999999") == nil)
    }
}
