// SPDX-License-Identifier: Apache-2.0

import JSON

/// The rate of a pair, as of the newest `rateChange`.
package struct Rate: Sendable, Equatable {
    @ByBytes package var pair: String
    package var rate: Amount
    package var bid: Amount?
    package var ask: Amount?
    @ByBytes package var exchange: String?
    /// The exchange's sequence number of the change.
    package var sequence: Int?
    /// The time of the change.
    package var updatedAt: Timestamp
    /// The sequence number of the change on the pair's `rateChange` channel.
    package var seq: Int

    package init(
        pair: String,
        rate: Amount,
        bid: Amount?,
        ask: Amount?,
        exchange: String?,
        sequence: Int?,
        updatedAt: Timestamp,
        seq: Int
    ) {
        self.pair = pair
        self.rate = rate
        self.bid = bid
        self.ask = ask
        self.exchange = exchange
        self.sequence = sequence
        self.updatedAt = updatedAt
        self.seq = seq
    }

    /// The rate as described by a single entry.
    init(_ data: ProjectedData, pair: String, entry: TapeEntry) throws(ProjectedData.Unprojectable) {
        self.pair = pair
        self.rate = try ProjectedData.required(data.amount("rate"))
        self.bid = try data.amount("bid")
        self.ask = try data.amount("ask")
        self.exchange = try data.text("exchange")
        self.sequence = try data.integer("sequence")
        self.updatedAt = entry.time
        self.seq = entry.seq
    }

    /// Applies a change; returns false if it changes nothing.
    ///
    /// If both are from the same exchange (or both from none) and have a sequence, the greater sequence wins, and for
    /// equal sequences the later change. Otherwise the later change wins. A change with a sequence number on the
    /// channel not greater than the stored one has been applied before.
    mutating func take(_ change: Rate) -> Bool {
        guard change.seq > self.seq else { return false }
        let isSameExchange = (self.exchange ?? "").hasSameBytes(as: change.exchange ?? "")
        if isSameExchange, let old = self.sequence, let new = change.sequence, new < old { return false }
        self = change
        return true
    }
}

/// A decimal in canonical form, the same on every tape: no leading zeros, no negative zero, and the fraction digits as
/// published.
///
/// `"123.450"` is unchanged, `"007.10"` becomes `"7.10"` and `"-0.0"` becomes `"0.0"`, as SQL's `NUMERIC` prints them.
package struct Amount: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Nil unless the text is a valid ``Field/Kind/decimal``.
    package init?(_ text: String) {
        guard Field.Kind.isDecimal(text) else { return nil }
        let zero = UInt8(ascii: "0")
        let point = UInt8(ascii: ".")
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let digits = text.utf8.dropFirst(isNegative ? 1 : 0)
        var result: [UInt8] = []
        result.reserveCapacity(digits.count + 1)
        if isNegative, digits.contains(where: { $0 != zero && $0 != point }) { result.append(UInt8(ascii: "-")) }
        let significant = digits.drop { $0 == zero }
        if significant.first ?? point == point { result.append(zero) }
        result.append(contentsOf: significant)
        self.description = String(decoding: result, as: UTF8.self)
    }
}
