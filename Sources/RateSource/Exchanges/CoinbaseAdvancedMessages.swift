// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Messages of Coinbase Advanced Trade:
/// https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
enum CoinbaseAdvancedMessages {
    static func read(_ value: JSON.Value) -> [Incoming] {
        if value["type"]?.equals("error") == true { return [.rejected(value["message"]?.string)] }
        switch value["channel"]?.string {
        case "ticker", "ticker_batch": return Self.tickers(value)
        case "subscriptions": return [.acknowledged]
        case .some: return [.alive]
        case nil: return [.refused(.malformed)]
        }
    }

    private static func tickers(_ value: JSON.Value) -> [Incoming] {
        let time = Self.time(value)
        guard let events = value["events"], events.kind == .array else { return [.refused(.malformed)] }
        var incoming: [Incoming] = []
        for event in events.elements {
            guard let tickers = event["tickers"], tickers.kind == .array else {
                incoming.append(.refused(.malformed))
                continue
            }
            incoming += tickers.elements.map { ticker in
                .reading { () throws(Refusal) in try Self.ticker(ticker, time: time) }
            }
        }
        return incoming.isEmpty ? [.alive] : incoming
    }

    private static func time(_ value: JSON.Value) -> Timestamp? {
        let reader = QuoteReader(value: value)
        return reader.time("timestamp") ?? reader.unixTime("timestamp")
    }

    private static func ticker(_ value: JSON.Value, time: Timestamp?) throws(Refusal) -> Quote {
        let reader = QuoteReader(value: value)
        guard let symbol = value["product_id"]?.string, !symbol.isEmpty else { throw .malformed }
        var quote = Quote(symbol: symbol)
        quote.last = try reader.price("price")
        quote.bid = try reader.price("best_bid")
        quote.ask = try reader.price("best_ask")
        quote.bidVolume = reader.figure("best_bid_quantity")
        quote.askVolume = reader.figure("best_ask_quantity")
        quote.high = reader.priceFigure("high_24_h")
        quote.low = reader.priceFigure("low_24_h")
        quote.percentage = reader.figure("price_percent_chg_24_h")
        quote.baseVolume = reader.figure("volume_24_h")
        // `sequence_num` counts the messages of one connection, so it does not order the quotes of a market.
        quote.time = time
        return quote
    }

    /// The answer of `/api/v3/brokerage/market/products/{id}/ticker`: trades, newest first, and the best bid and ask.
    static func readAnswer(_ value: JSON.Value, symbol: String) -> [Incoming] {
        guard let trades = value["trades"], trades.kind == .array else {
            return [.rejected(value["error"]?.string, value["message"]?.string)]
        }
        return [
            .reading { () throws(Refusal) in
                let reader = QuoteReader(value: value)
                var quote = Quote(symbol: symbol)
                var elements = trades.elements
                if let trade = elements.next() {
                    let reader = QuoteReader(value: trade)
                    quote.last = try reader.price("price")
                    quote.time = reader.time("time")
                }
                quote.bid = try reader.price("best_bid")
                quote.ask = try reader.price("best_ask")
                return quote
            }
        ]
    }
}
