// SPDX-License-Identifier: Apache-2.0

import JSON

/// Messages of Coinbase Exchange: https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
enum CoinbaseMessages {
    static func read(_ value: JSON.Value) -> [Incoming] {
        switch value["type"]?.string {
        case "ticker": [.reading { () throws(Refusal) in try Self.ticker(value) }]
        case "subscriptions": [.acknowledged]
        case "error": [.rejected(value["message"]?.string, value["reason"]?.string)]
        case .some: [.alive]
        case nil: [.refused(.malformed)]
        }
    }

    private static func ticker(_ value: JSON.Value) throws(Refusal) -> Quote {
        let reader = QuoteReader(value: value)
        guard let symbol = value["product_id"]?.string, !symbol.isEmpty else { throw .malformed }
        var quote = Quote(symbol: symbol)
        quote.last = try reader.price("price")
        quote.bid = try reader.price("best_bid")
        quote.ask = try reader.price("best_ask")
        quote.bidVolume = reader.figure("best_bid_size")
        quote.askVolume = reader.figure("best_ask_size")
        quote.open = reader.priceFigure("open_24h")
        quote.high = reader.priceFigure("high_24h")
        quote.low = reader.priceFigure("low_24h")
        quote.baseVolume = reader.figure("volume_24h")
        quote.time = reader.time("time")
        quote.sequence = value["sequence"]?.integer(in: .seq)
        return quote
    }

    /// The answer of `/products/{id}/ticker`, which does not name its market.
    static func readAnswer(_ value: JSON.Value, symbol: String) -> [Incoming] {
        if value["price"] == nil, let text = value["message"]?.string { return [.rejected(text)] }
        return [
            .reading { () throws(Refusal) in
                let reader = QuoteReader(value: value)
                var quote = Quote(symbol: symbol)
                quote.last = try reader.price("price")
                quote.bid = try reader.price("bid")
                quote.ask = try reader.price("ask")
                quote.baseVolume = reader.figure("volume")
                quote.time = reader.time("time")
                return quote
            }
        ]
    }
}
