// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import TestSupport
import Testing

@testable import RateSource

/// Numbers of exchanges at the limits.
@Suite struct BoundaryQuoteTests {
    private static func value(_ text: String) throws -> JSON.Value { try JSON.Value.parse(Array(text.utf8)) }

    @Test func timesOfEveryNumber() throws {
        for (text, seq) in BoundaryNumbers.json {
            let time = QuoteReader(value: try Self.value(#"{"E":\#(text)}"#)).unixTime("E")
            // Zero is no time; whole numbers of 64 bits are one of some unit.
            let isTime =
                (seq ?? 0) > 0 || ["9007199254740992", "9223372036854775806", "9223372036854775807"].contains(text)
            #expect((time != nil) == isTime, "\(text)")
            #expect(time.map { $0.nanoseconds > 0 } ?? true, "\(text)")
        }
    }

    @Test func sequencesOfEveryNumber() throws {
        for (text, seq) in BoundaryNumbers.json {
            let book = try Self.value(#"{"u":\#(text),"s":"A","b":"1","B":"1","a":"2","A":"1"}"#)
            #expect(BinanceMessages.read(book).compactMap(\.quote).map(\.sequence) == [seq], "\(text)")
            let ticker = try Self.value(#"{"type":"ticker","product_id":"A","price":"1","sequence":\#(text)}"#)
            #expect(CoinbaseMessages.read(ticker).compactMap(\.quote).map(\.sequence) == [seq], "\(text)")
        }
    }

    @Test func pricesOfEveryNumber() throws {
        for (text, _) in BoundaryNumbers.text {
            guard let number = DecimalNumber(text) else { continue }
            // Within what the hub takes as a decimal.
            #expect(Field.Kind.isDecimal(number.description), "\(text)")
            for other in [number, DecimalNumber("-1"), DecimalNumber("1e-30")].compactMap(\.self) {
                _ = (number.minus(other), number.times(other), number.divided(by: other, digits: 30))
            }
        }
    }
}
