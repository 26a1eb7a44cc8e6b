// SPDX-License-Identifier: Apache-2.0

import EventLog
import RateSource
import Testing

struct PairTests {
    @Test(arguments: [
        ("BTC/USDT", true), ("BTC/BTC", false), ("BTC", false), ("BTC/", false), ("/USDT", false), ("btc/usdt", false),
        ("BTC-USDT", false), ("BTC/USDT/X", false), ("1INCH/USDT", true), ("", false), ("BTC/USDT:USDT", false),
    ])
    func pairIsTwoCodes(_ text: String, _ isPair: Bool) {
        #expect((Pair(text) != nil) == isPair)
    }

    @Test func commonCodes() {
        #expect(Pair("XBT/USD")?.common.description == "BTC/USD")
        #expect(Pair("XDG/XBT")?.common.description == "DOGE/BTC")
        #expect(Pair("ETH/USD")?.common.description == "ETH/USD")
    }

    @Test func symbolsOfExchanges() throws {
        let pair = try #require(Pair("BTC/USDT"))
        #expect(Dialect.allCases.map { $0.symbol(of: pair) } == ["BTCUSDT", "BTC-USDT", "BTC-USDT", "BTC/USDT"])
    }

    /// Kraken answers under names that were not asked for.
    @Test(arguments: [
        ("BTC/USD", "XXBTZUSD"), ("BTC/USD", "BTC/USD"), ("BTC/USD", "XBTUSD"), ("BTC/USDT", "XBTUSDT"),
        ("ETH/BTC", "XETHXXBT"), ("USDT/USD", "USDTZUSD"), ("DOGE/USD", "XDGUSD"), ("SOL/EUR", "SOLEUR"),
        ("BTC/USD", "XBT/USD"),
    ])
    func namesOfKraken(_ pair: String, _ name: String) throws {
        let exchange = Exchange(name: "k", dialect: .kraken, markets: [Market(pair: try #require(Pair(pair)))])
        var book = RateBook([exchange], at: .now)
        var quote = Quote(symbol: name)
        quote.last = DecimalNumber("1")
        #expect(book.received([.quote(quote)], from: 0, at: .now).quotes == 1)
    }
}
