// SPDX-License-Identifier: Apache-2.0

import JSON

/// Messages of Binance: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
enum BinanceMessages {
    static func read(_ value: JSON.Value) -> [Incoming] {
        if let data = value["data"], value["stream"] != nil { return Self.read(data) }
        if let event = value["event"], event.kind == .object { return Self.read(event) }
        if let error = value["error"], error.kind == .object {
            return [.rejected(Self.code(error), error["msg"]?.string)]
        }
        if Self.code(value) != nil, let text = value["msg"]?.string {
            return [.rejected(Self.code(value), text)]
        }
        if value["id"] != nil, value["result"] != nil { return [.acknowledged] }
        switch value["e"]?.string {
        case "24hrTicker": return [.reading { () throws(Refusal) in try Self.ticker(value) }]
        case "24hrMiniTicker": return [.reading { () throws(Refusal) in try Self.miniTicker(value) }]
        case "bookTicker": return [.reading { () throws(Refusal) in try Self.bookTicker(value) }]
        case "serverShutdown": return [.leaving]
        case nil where value["u"] != nil && value["b"] != nil && value["a"] != nil:
            return [.reading { () throws(Refusal) in try Self.bookTicker(value) }]
        case nil: return [.refused(.malformed)]
        case .some: return [.alive]
        }
    }

    private static func code(_ value: JSON.Value) -> String? {
        value["code"]?.integer(in: -Int.maxSafe...Int.maxSafe).map { "code \($0)" }
    }

    private static func symbol(_ value: JSON.Value, _ name: String) throws(Refusal) -> String {
        guard let symbol = value[name]?.string, !symbol.isEmpty else { throw .malformed }
        return symbol
    }

    private static func ticker(_ value: JSON.Value) throws(Refusal) -> Quote {
        let reader = QuoteReader(value: value)
        var quote = try Self.miniTicker(value)
        quote.bid = try reader.price("b")
        quote.ask = try reader.price("a")
        quote.bidVolume = reader.figure("B")
        quote.askVolume = reader.figure("A")
        quote.vwap = reader.priceFigure("w")
        quote.previousClose = reader.priceFigure("x")
        quote.change = reader.figure("p")
        quote.percentage = reader.figure("P")
        // Time of the statistics, not of the message: the same as in REST.
        quote.time = reader.unixTime("C") ?? quote.time
        return quote
    }

    private static func miniTicker(_ value: JSON.Value) throws(Refusal) -> Quote {
        let reader = QuoteReader(value: value)
        var quote = Quote(symbol: try Self.symbol(value, "s"))
        quote.last = try reader.price("c")
        quote.open = reader.priceFigure("o")
        quote.high = reader.priceFigure("h")
        quote.low = reader.priceFigure("l")
        quote.baseVolume = reader.figure("v")
        quote.quoteVolume = reader.figure("q")
        quote.time = reader.unixTime("E")
        return quote
    }

    /// The spot market's message has no time; the one for futures has.
    private static func bookTicker(_ value: JSON.Value) throws(Refusal) -> Quote {
        let reader = QuoteReader(value: value)
        var quote = Quote(symbol: try Self.symbol(value, "s"), feed: .book)
        quote.bid = try reader.price("b")
        quote.ask = try reader.price("a")
        quote.bidVolume = reader.figure("B")
        quote.askVolume = reader.figure("A")
        quote.time = reader.unixTime("T")
        quote.sequence = value["u"]?.integer(in: .seq)
        return quote
    }

    /// The answers of `/api/v3/ticker/24hr`, `/price` and `/bookTicker`, for one or more markets.
    static func readAnswer(_ value: JSON.Value) -> [Incoming] {
        switch value.kind {
        case .array: value.elements.map { item in .reading { () throws(Refusal) in try Self.answer(item) } }
        case .object where value["symbol"] == nil && value["msg"] != nil:
            [.rejected(Self.code(value), value["msg"]?.string)]
        case .object: [.reading { () throws(Refusal) in try Self.answer(value) }]
        case .null, .bool, .number, .string: [.refused(.malformed)]
        }
    }

    private static func answer(_ value: JSON.Value) throws(Refusal) -> Quote {
        let reader = QuoteReader(value: value)
        let isBook = value["lastPrice"] == nil && value["price"] == nil
        var quote = Quote(symbol: try Self.symbol(value, "symbol"), feed: isBook ? .book : .ticker)
        quote.last = try reader.price("lastPrice")
        if quote.last == nil { quote.last = try reader.price("price") }
        quote.bid = try reader.price("bidPrice")
        quote.ask = try reader.price("askPrice")
        quote.bidVolume = reader.figure("bidQty")
        quote.askVolume = reader.figure("askQty")
        quote.open = reader.priceFigure("openPrice")
        quote.high = reader.priceFigure("highPrice")
        quote.low = reader.priceFigure("lowPrice")
        quote.vwap = reader.priceFigure("weightedAvgPrice")
        quote.previousClose = reader.priceFigure("prevClosePrice")
        quote.change = reader.figure("priceChange")
        quote.percentage = reader.figure("priceChangePercent")
        quote.baseVolume = reader.figure("volume")
        quote.quoteVolume = reader.figure("quoteVolume")
        quote.time = reader.unixTime("closeTime")
        return quote
    }
}
