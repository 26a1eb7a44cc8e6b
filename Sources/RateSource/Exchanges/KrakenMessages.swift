// SPDX-License-Identifier: Apache-2.0

import JSON

/// Messages of Kraken's WebSocket version 2: https://docs.kraken.com/api/docs/websocket-v2/ticker
enum KrakenMessages {
    static func read(_ value: JSON.Value) -> [Incoming] {
        if value["method"] != nil {
            guard value["success"]?.bool == false || value["error"] != nil else { return [.acknowledged] }
            return [.rejected(value["symbol"]?.string, value["error"]?.string)]
        }
        switch value["channel"]?.string {
        case "ticker":
            guard let data = value["data"], data.kind == .array else { return [.refused(.malformed)] }
            return data.elements.map { item in .reading { () throws(Refusal) in try Self.ticker(item) } }
        case .some: return [.alive]
        case nil: return [.refused(.malformed)]
        }
    }

    private static func ticker(_ value: JSON.Value) throws(Refusal) -> Quote {
        let reader = QuoteReader(value: value)
        guard let symbol = value["symbol"]?.string, !symbol.isEmpty else { throw .malformed }
        var quote = Quote(symbol: symbol)
        quote.last = try reader.price("last")
        quote.bid = try reader.price("bid")
        quote.ask = try reader.price("ask")
        quote.bidVolume = reader.figure("bid_qty")
        quote.askVolume = reader.figure("ask_qty")
        quote.high = reader.priceFigure("high")
        quote.low = reader.priceFigure("low")
        quote.vwap = reader.priceFigure("vwap")
        quote.change = reader.figure("change")
        quote.percentage = reader.figure("change_pct")
        quote.baseVolume = reader.figure("volume")
        quote.time = reader.time("timestamp")
        return quote
    }

    /// The answer of `/0/public/Ticker`: keyed by Kraken's REST market names, without a time.
    static func readAnswer(_ value: JSON.Value) -> [Incoming] {
        var incoming: [Incoming] = []
        if let errors = value["error"], errors.kind == .array {
            for error in errors.elements { incoming.append(.rejected(error.string)) }
        }
        if let result = value["result"], result.kind == .object {
            for (name, ticker) in result.members {
                incoming.append(.reading { () throws(Refusal) in try Self.answer(ticker, symbol: name) })
            }
        }
        return incoming.isEmpty ? [.refused(.malformed)] : incoming
    }

    /// - Parameter symbol: Market name in the answer.
    static func answer(_ value: JSON.Value, symbol: String) throws(Refusal) -> Quote {
        var quote = Quote(symbol: symbol)
        quote.last = try QuoteReader.price(Self.part(value, "c", 0))
        quote.bid = try QuoteReader.price(Self.part(value, "b", 0))
        quote.ask = try QuoteReader.price(Self.part(value, "a", 0))
        quote.bidVolume = QuoteReader.figure(Self.part(value, "b", 2))
        quote.askVolume = QuoteReader.figure(Self.part(value, "a", 2))
        quote.open = QuoteReader.priceFigure(value["o"])
        quote.high = QuoteReader.priceFigure(Self.part(value, "h", 1))
        quote.low = QuoteReader.priceFigure(Self.part(value, "l", 1))
        quote.vwap = QuoteReader.priceFigure(Self.part(value, "p", 1))
        quote.baseVolume = QuoteReader.figure(Self.part(value, "v", 1))
        return quote
    }

    private static func part(_ value: JSON.Value, _ name: String, _ index: Int) -> JSON.Value? {
        guard let list = value[name], list.kind == .array else { return nil }
        var elements = list.elements
        for _ in 0..<index where elements.next() == nil { return nil }
        return elements.next()
    }
}
