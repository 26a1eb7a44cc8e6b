// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The state of a market at one moment, in the same form for all exchanges.
///
/// A value that was not reported, and cannot be derived exactly, is nil. Prices are positive, and the bid is not above
/// the ask.
package struct Quote: Sendable, Equatable {
    /// Messages of one kind are ordered among themselves.
    package enum Feed: String, Sendable, CaseIterable {
        /// The last price with 24-hour statistics.
        case ticker
        /// The best bid and ask only.
        case book
    }

    /// The exchange's own name of the market.
    package var symbol: String
    package var feed: Feed
    package var last: DecimalNumber?
    package var bid: DecimalNumber?
    package var ask: DecimalNumber?
    package var bidVolume: DecimalNumber?
    package var askVolume: DecimalNumber?
    /// 24 hours ago.
    package var open: DecimalNumber?
    package var high: DecimalNumber?
    package var low: DecimalNumber?
    /// Volume-weighted average price of 24 hours.
    package var vwap: DecimalNumber?
    package var previousClose: DecimalNumber?
    package var change: DecimalNumber?
    package var percentage: DecimalNumber?
    /// 24-hour volume in the base and in the quote currency.
    package var baseVolume: DecimalNumber?
    package var quoteVolume: DecimalNumber?
    /// Time by the exchange's clock.
    package var time: Timestamp?
    /// The exchange's sequence number, if numbers increase per market independently of the connection.
    package var sequence: Int?

    package init(symbol: String, feed: Feed = .ticker) {
        self.symbol = symbol
        self.feed = feed
    }

    /// Validates the prices, and derives values that the exchange omitted.
    func checked() throws(Refusal) -> Quote {
        for price in [self.last, self.bid, self.ask] {
            guard let price else { continue }
            guard !price.isZero else { throw .zero }
            guard !price.isNegative else { throw .negative }
        }
        guard self.last != nil || self.bid != nil && self.ask != nil else { throw .noPrice }
        if let bid, let ask, bid > ask { throw .crossed }
        var quote = self
        quote.derive()
        return quote
    }

    /// Decimal places of quotients.
    private static let derivedDigits = 8

    private mutating func derive() {
        guard let last else { return }
        if self.open == nil, let change { self.open = last.minus(change) }
        if self.change == nil, let open { self.change = last.minus(open) }
        if self.percentage == nil, let change, let open, let hundred = DecimalNumber("100") {
            self.percentage = change.times(hundred)?.divided(by: open, digits: Self.derivedDigits)
        }
        if self.quoteVolume == nil, let baseVolume, let vwap { self.quoteVolume = baseVolume.times(vwap) }
        if self.vwap == nil, let baseVolume, let quoteVolume {
            self.vwap = quoteVolume.divided(by: baseVolume, digits: Self.derivedDigits)
        }
    }

    /// Adds the values that a message of another kind has and this one does not.
    func completed(by other: Quote?) -> Quote {
        guard let other, other.feed != self.feed else { return self }
        var quote = self
        for part in [
            \Quote.last, \.bid, \.ask, \.bidVolume, \.askVolume, \.open, \.high, \.low, \.vwap, \.previousClose,
            \.change, \.percentage, \.baseVolume, \.quoteVolume,
        ] where quote[keyPath: part] == nil {
            quote[keyPath: part] = other[keyPath: part]
        }
        // A newer bid may be above the previous ask.
        if let bid = quote.bid, let ask = quote.ask, bid > ask {
            if self.bid == nil { quote.bid = nil }
            if self.ask == nil { quote.ask = nil }
        }
        return quote
    }
}
