// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// A quote as a published event.
package struct RateEvent: Sendable, Equatable {
    /// The prices of a rate; while they are unchanged the rate is published less often.
    struct Prices: Sendable, Equatable {
        var exchange: String
        var last: DecimalNumber
        var bid: DecimalNumber?
        var ask: DecimalNumber?

        init(exchange: String, last: DecimalNumber, bid: DecimalNumber?, ask: DecimalNumber?) {
            self.exchange = exchange
            self.last = last
            self.bid = bid
            self.ask = ask
        }

        /// Nil without a last price.
        init?(_ quote: Quote, on exchange: Exchange) {
            guard let last = quote.last else { return nil }
            self.init(exchange: exchange.name, last: last, bid: quote.bid, ask: quote.ask)
        }
    }

    package let pair: Pair
    let prices: Prices
    package let event: SourceEvent
    /// Digest of its data: equal for equal quotes.
    let digest: String

    /// Nil without a last price.
    ///
    /// The id depends on the content and on the exchange's sequence number or time or, where there is neither, on the
    /// interval of publication. Two nodes, or one node before and after a restart, derive the same id from the same
    /// quote.
    /// - Parameters:
    ///   - slot: The interval, if another quote has the same sequence number or time.
    ///   - fallback: The interval.
    init?(
        _ quote: Quote,
        of pair: Pair,
        on exchange: Exchange,
        slot: Int64?,
        fallback: Int64,
        omitsSequence: Bool
    ) {
        guard let prices = Prices(quote, on: exchange) else { return nil }
        self.pair = pair
        self.prices = prices
        let sequence = omitsSequence ? nil : quote.sequence
        var writer = JSON.Writer(reservingCapacity: 384)
        writer.beginObject()
        writer.member("pair", string: pair.description)
        writer.member("rate", string: prices.last.description)
        writer.member("exchange", string: exchange.name)
        let numbers = [
            ("bid", quote.bid), ("ask", quote.ask), ("bidVolume", quote.bidVolume), ("askVolume", quote.askVolume),
            ("open", quote.open), ("high", quote.high), ("low", quote.low), ("change", quote.change),
            ("changePercent", quote.percentage), ("baseVolume", quote.baseVolume), ("quoteVolume", quote.quoteVolume),
        ]
        for (name, number) in numbers {
            if let number { writer.member(name, string: number.description) }
        }
        if let sequence { writer.member("sequence", integer: sequence) }
        if let time = quote.time { writer.member("exchangeTime", string: time.description) }
        writer.endObject()
        var order = quote.sequence.map { "s\($0)" } ?? quote.time.map { "t\($0.nanoseconds)" } ?? "i\(fallback)"
        if let slot { order += "i\(slot)" }
        self.digest = Self.digest(writer.bytes)
        self.event = SourceEvent(
            id: "\(pair)-\(order)-\(self.digest)",
            type: "rateChange",
            key: pair.description,
            data: writer.bytes,
            time: quote.time
        )
    }

    /// 64-bit FNV-1a: distinguishes contents; not collision resistant.
    private static func digest(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64(truncatingIfNeeded: $1)) &* 0x100_0000_01b3
        }
        return String(hash, radix: 36)
    }
}
