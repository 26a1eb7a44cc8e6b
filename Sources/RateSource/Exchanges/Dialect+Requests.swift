// SPDX-License-Identifier: Apache-2.0

import JSON

/// Requests to exchanges, and their rate limits.
extension Dialect {
    /// Maximum number of markets per connection.
    package var maxMarkets: Int {
        switch self {
        // 1024 streams; a market may use two.
        case .binance: 512
        case .coinbase, .coinbaseAdvanced, .kraken: 500
        }
    }

    /// Minimum interval between two messages to the exchange. Binance closes connections that send more than five per
    /// second, including pongs; Coinbase accepts eight.
    var messageInterval: Duration {
        switch self {
        case .binance, .kraken: .milliseconds(250)
        case .coinbase, .coinbaseAdvanced: .milliseconds(200)
        }
    }

    /// Maximum lifetime of a connection; nil without a limit. Binance closes connections after 24 hours.
    package var lifetime: Duration? {
        switch self {
        case .binance: .seconds(23 * 3600 + 1800)
        case .coinbase, .coinbaseAdvanced, .kraken: nil
        }
    }

    private static let marketsPerMessage = 100

    /// The messages that subscribe to markets, in order.
    func subscriptions(to symbols: [String], withBook: Bool) -> [String] {
        var messages: [String] = []
        for start in stride(from: 0, to: symbols.count, by: Self.marketsPerMessage) {
            let part = Array(symbols[start..<min(start + Self.marketsPerMessage, symbols.count)])
            switch self {
            case .binance:
                let streams = part.flatMap { symbol in
                    let name = symbol.lowercased()
                    return withBook ? ["\(name)@ticker", "\(name)@bookTicker"] : ["\(name)@ticker"]
                }
                messages.append(
                    #"{"method":"SUBSCRIBE","params":\#(Self.list(streams)),"id":\#(messages.count + 1)}"#
                )
            case .coinbase:
                messages.append(
                    #"{"type":"subscribe","product_ids":\#(Self.list(part)),"channels":["ticker","heartbeat"]}"#
                )
            case .coinbaseAdvanced:
                // Without heartbeats a quiet connection is closed after 60 to 90 s.
                if start == 0 { messages.append(#"{"type":"subscribe","channel":"heartbeats"}"#) }
                messages.append(
                    #"{"type":"subscribe","product_ids":\#(Self.list(part)),"channel":"ticker"}"#
                )
            case .kraken:
                messages.append(
                    #"{"method":"subscribe","params":{"channel":"ticker","symbol":\#(Self.list(part))},"#
                        + #""req_id":\#(messages.count + 1)}"#
                )
            }
        }
        return messages
    }

    /// A message that the exchange answers; nil if it sends heartbeats by itself.
    var probe: String? {
        switch self {
        case .binance: #"{"method":"LIST_SUBSCRIPTIONS","id":0}"#
        case .kraken: #"{"method":"ping","req_id":0}"#
        case .coinbase, .coinbaseAdvanced: nil
        }
    }

    private static func list(_ texts: [String]) -> String {
        var writer = JSON.Writer()
        writer.beginArray()
        for text in texts { writer.string(text) }
        writer.endArray()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    // MARK: REST

    /// Markets per request. Binance's weight is 2 for 1 to 20 markets and 40 for 21 to 100, of 6,000 per minute.
    var marketsPerRequest: Int {
        switch self {
        case .binance: 20
        case .kraken: 50
        case .coinbase, .coinbaseAdvanced: 1
        }
    }

    /// Minimum interval between two requests: Kraken allows one per second, Coinbase ten.
    var requestInterval: Duration {
        switch self {
        case .binance, .coinbase, .coinbaseAdvanced: .milliseconds(200)
        case .kraken: .seconds(1)
        }
    }

    /// Path and query of a request for markets.
    func target(for symbols: [String]) -> String {
        switch self {
        case .binance:
            symbols.count == 1
                ? "/api/v3/ticker/24hr?symbol=\(Self.escaped(symbols[0]))"
                : "/api/v3/ticker/24hr?symbols=\(Self.escaped(Self.list(symbols)))"
        case .coinbase: "/products/\(Self.escaped(symbols[0]))/ticker"
        case .coinbaseAdvanced: "/api/v3/brokerage/market/products/\(Self.escaped(symbols[0]))/ticker?limit=1"
        case .kraken: "/0/public/Ticker?pair=\(symbols.map(Self.escaped).joined(separator: ","))"
        }
    }

    /// Percent-encodes everything except letters, digits and unreserved characters.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return escaped
    }

    /// Whether the message of a rejected request means that the rate limit was exceeded.
    func isRateLimit(_ text: String) -> Bool {
        ["EGeneral:Too many requests", "EAPI:Rate limit exceeded", "Rate limit", "code -1003"].contains {
            text.lowercased().contains($0.lowercased())
        }
    }
}
