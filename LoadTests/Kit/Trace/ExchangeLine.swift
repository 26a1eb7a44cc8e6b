// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON

/// A line of a log of what an exchange sent: `<unix seconds>: <JSON message>`.
///
/// Numbers stay the text they were; nothing goes through a binary fraction.
enum ExchangeLine: Equatable {
    /// A message that is a change of a rate.
    case event(RecordedEvent)
    /// Another message; the text says which kind.
    case other(String)

    static func read(_ line: ArraySlice<UInt8>) throws(LineFault) -> ExchangeLine {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), let time = Self.time(line[..<colon]) else {
            throw LineFault("does not begin with a time in seconds and a colon")
        }
        let message: JSON.Value
        do throws(JSON.Fault) {
            message = try JSON.Value.parse(Array(line[line.index(after: colon)...]))
        } catch {
            throw LineFault("not JSON after the time: \(error)")
        }
        if let stream = message["stream"]?.string {
            guard let data = message["data"], data.kind == .object else {
                return .other("Binance, without data")
            }
            return Self.binance(data, kind: stream.split(separator: "@").dropFirst().joined(separator: "@"), time)
        }
        if let event = message["e"]?.string { return Self.binance(message, kind: event, time) }
        if message["u"] != nil, message["s"] != nil { return Self.binance(message, kind: "bookTicker", time) }
        guard let type = message["type"]?.string else { return .other("unknown") }
        return Self.coinbase(message, type: type, time)
    }

    private static func binance(_ data: JSON.Value, kind: String, _ time: UTCTime) -> ExchangeLine {
        guard kind == "bookTicker" else { return .other("Binance \(kind)") }
        // Contracts such as BTCUSD_PERP do not say where the base ends; symbols of the exchange stay as they are.
        guard let symbol = data["s"]?.string, let bid = data["b"]?.string, let ask = data["a"]?.string else {
            return .other("Binance bookTicker, incomplete")
        }
        return .event(
            Self.rateChange(
                pair: symbol,
                rate: DecimalText.midpoint(bid, ask) ?? bid,
                bid: bid,
                ask: ask,
                exchange: "binance",
                sequence: data["u"]?.integer(in: .seq),
                time
            )
        )
    }

    private static func coinbase(_ message: JSON.Value, type: String, _ time: UTCTime) -> ExchangeLine {
        guard type == "ticker" || type == "match" else { return .other("Coinbase \(type)") }
        guard let product = message["product_id"]?.string, let price = message["price"]?.string else {
            return .other("Coinbase \(type), incomplete")
        }
        return .event(
            Self.rateChange(
                pair: Self.pair(product),
                rate: price,
                bid: message["best_bid"]?.string,
                ask: message["best_ask"]?.string,
                exchange: "coinbase",
                sequence: message["sequence"]?.integer(in: .seq),
                time
            )
        )
    }

    /// `BTC-USD` is BTC/USD; a name with more or fewer dashes stays as it is.
    static func pair(_ product: String) -> String {
        let parts = product.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return product }
        return "\(parts[0])/\(parts[1])"
    }

    private static func rateChange(
        pair: String,
        rate: String,
        bid: String?,
        ask: String?,
        exchange: String,
        sequence: Int?,
        _ time: UTCTime
    ) -> RecordedEvent {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("pair", string: pair)
        writer.member("rate", string: rate)
        if let bid { writer.member("bid", string: bid) }
        if let ask { writer.member("ask", string: ask) }
        writer.member("exchange", string: exchange)
        if let sequence { writer.member("sequence", integer: sequence) }
        writer.endObject()
        return RecordedEvent(type: "rateChange", keys: [pair], time: time, data: writer.bytes)
    }

    /// Seconds with up to nine digits after the point.
    private static func time(_ text: ArraySlice<UInt8>) -> UTCTime? {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1)
        guard let first = parts.first, let seconds = Int(decimal: first, in: 0...9_000_000_000) else { return nil }
        guard parts.count == 2 else { return UTCTime(nanoseconds: Int64(clamping: seconds * 1_000_000_000)) }
        let digits = parts[1].prefix(9)
        guard let fraction = Int(decimal: digits, in: 0...999_999_999) else { return nil }
        var scale = 1
        for _ in digits.count..<9 { scale *= 10 }
        return UTCTime(nanoseconds: Int64(clamping: seconds * 1_000_000_000 + fraction * scale))
    }
}
