// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import RateSource

/// Real messages of exchanges, and what a well-known library makes of each.
enum Samples {
    static func load() throws -> JSON.Value {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Vectors/rates-samples.json")
        return try JSON.Value.parse(Array(try Data(contentsOf: url)))
    }

    static let names = [
        "binance REST /api/v3/ticker/24hr", "binance WS @ticker", "binance WS @miniTicker", "binance WS @bookTicker",
        "kraken REST /0/public/Ticker", "coinbase exchange REST /products/{id}/ticker", "coinbase exchange WS ticker",
        "kraken WS v2 ticker",
    ]

    /// What our readers make of a sample.
    static func read(_ name: String, _ raw: [UInt8]) -> [Incoming] {
        switch name {
        case "binance REST /api/v3/ticker/24hr": Dialect.binance.readAnswer(raw, to: ["BTCUSDT"])
        case "kraken REST /0/public/Ticker":
            Dialect.kraken.readAnswer(
                Array(#"{"error":[],"result":{"XXBTZUSD":"#.utf8) + raw + Array("}}".utf8),
                to: []
            )
        case "coinbase exchange REST /products/{id}/ticker": Dialect.coinbase.readAnswer(raw, to: ["BTC-USD"])
        case "coinbase exchange WS ticker": Dialect.coinbase.read(raw)
        case "kraken WS v2 ticker": Dialect.kraken.read(raw)
        default: Dialect.binance.read(raw)
        }
    }
}

extension Dialect {
    func read(_ text: String) -> [Incoming] {
        self.read(Array(text.utf8))
    }
}

extension Incoming {
    var quote: Quote? {
        if case .quote(let quote) = self { quote } else { nil }
    }
}
