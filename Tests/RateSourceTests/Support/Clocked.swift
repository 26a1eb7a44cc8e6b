// SPDX-License-Identifier: Apache-2.0

import EventLog
import RateSource
import Testing

/// Times of tests, in seconds from a beginning.
func at(_ seconds: Double) -> Timestamp {
    Timestamp(nanoseconds: 1_700_000_000_000_000_000).advanced(by: .milliseconds(Int(seconds * 1000)))
}

/// A ticker with the numbers that a test is about.
func ticker(
    _ symbol: String,
    _ last: String,
    bid: String? = nil,
    ask: String? = nil,
    time: Timestamp? = nil,
    sequence: Int? = nil
) -> Incoming {
    var quote = Quote(symbol: symbol)
    quote.last = DecimalNumber(last)
    quote.bid = bid.flatMap { DecimalNumber($0) }
    quote.ask = ask.flatMap { DecimalNumber($0) }
    quote.time = time
    quote.sequence = sequence
    return .quote(quote)
}

/// The same of Binance's BTC/USDT.
func ticker(
    _ last: String,
    bid: String? = nil,
    ask: String? = nil,
    time: Timestamp? = nil,
    sequence: Int? = nil
) -> Incoming {
    ticker("BTCUSDT", last, bid: bid, ask: ask, time: time, sequence: sequence)
}

func bookTicker(_ symbol: String, _ bid: String, _ ask: String, sequence: Int?) -> Incoming {
    var quote = Quote(symbol: symbol, feed: .book)
    quote.bid = DecimalNumber(bid)
    quote.ask = DecimalNumber(ask)
    quote.sequence = sequence
    return .quote(quote)
}

func exchange(
    _ name: String,
    _ dialect: Dialect = .binance,
    _ pairs: [String] = ["BTC/USDT"],
    interval: Duration = .seconds(1)
) throws -> Exchange {
    Exchange(
        name: name,
        dialect: dialect,
        markets: try pairs.map { Market(pair: try #require(Pair($0)), interval: interval) }
    )
}
