// SPDX-License-Identifier: Apache-2.0

import JSON

/// Protocol of an exchange: market names, messages, limits.
package enum Dialect: String, Sendable, CaseIterable {
    case binance
    /// Coinbase Exchange.
    case coinbase
    /// Coinbase Advanced Trade.
    case coinbaseAdvanced = "coinbase-advanced"
    case kraken

    // MARK: Addresses

    package var webSocket: String {
        switch self {
        case .binance: "wss://stream.binance.com:9443/stream"
        case .coinbase: "wss://ws-feed.exchange.coinbase.com"
        case .coinbaseAdvanced: "wss://advanced-trade-ws.coinbase.com"
        case .kraken: "wss://ws.kraken.com/v2"
        }
    }

    package var rest: String {
        switch self {
        case .binance: "https://api.binance.com"
        case .coinbase: "https://api.exchange.coinbase.com"
        case .coinbaseAdvanced: "https://api.coinbase.com"
        case .kraken: "https://api.kraken.com"
        }
    }

    // MARK: Names

    /// The exchange's WebSocket name of a pair.
    package func symbol(of pair: Pair) -> String {
        switch self {
        case .binance: pair.base + pair.quote
        case .coinbase, .coinbaseAdvanced: "\(pair.base)-\(pair.quote)"
        case .kraken: pair.description
        }
    }

    /// The REST name of a market.
    func restSymbol(of market: Market) -> String {
        switch self {
        case .binance, .coinbase, .coinbaseAdvanced: return market.symbol ?? self.symbol(of: market.pair)
        case .kraken:
            let pair = (market.symbol.flatMap { Pair($0) } ?? market.pair).ofKraken
            return pair.base + pair.quote
        }
    }

    /// All names that the exchange may use for a market.
    func names(of market: Market) -> [String] {
        let symbol = market.symbol ?? self.symbol(of: market.pair)
        guard self == .kraken else { return [symbol] }
        // REST prefixes old cryptocurrencies with X and old fiat currencies with Z: XXBTZUSD, XXBTZEUR, USDTZUSD, but
        // XBTUSDT.
        let common = Pair(symbol) ?? market.pair
        let pair = common.ofKraken
        let bases = [pair.base, "X" + pair.base, "Z" + pair.base]
        let quotes = [pair.quote, "Z" + pair.quote, "X" + pair.quote]
        return [symbol, "\(pair)"] + bases.flatMap { base in quotes.map { base + $0 } }
    }

    // MARK: Messages

    /// Parses a message; never returns an empty array.
    package func read(_ text: [UInt8]) -> [Incoming] {
        guard let value = try? JSON.Value.parse(text), value.kind == .object else { return [.refused(.malformed)] }
        return switch self {
        case .binance: BinanceMessages.read(value)
        case .coinbase: CoinbaseMessages.read(value)
        case .coinbaseAdvanced: CoinbaseAdvancedMessages.read(value)
        case .kraken: KrakenMessages.read(value)
        }
    }

    /// Parses an answer of the REST API.
    /// - Parameter symbols: The requested markets.
    package func readAnswer(_ text: [UInt8], to symbols: [String]) -> [Incoming] {
        guard let value = try? JSON.Value.parse(text) else { return [.refused(.malformed)] }
        return switch self {
        case .binance: BinanceMessages.readAnswer(value)
        case .coinbase: CoinbaseMessages.readAnswer(value, symbol: symbols.first ?? "")
        case .coinbaseAdvanced: CoinbaseAdvancedMessages.readAnswer(value, symbol: symbols.first ?? "")
        case .kraken: KrakenMessages.readAnswer(value)
        }
    }
}
