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
