// SPDX-License-Identifier: Apache-2.0

import JSON

/// The rate of a pair as the newest `rateChange` says.
package struct Rate: Sendable, Equatable {
    @ByBytes package var pair: String
    package var rate: Amount
    package var bid: Amount?
    package var ask: Amount?
    @ByBytes package var exchange: String?
    /// The exchange's own number of the change.
    package var sequence: Int?
    /// The change's time.
    package var updatedAt: Timestamp
    /// The change's number on `rateChange` of the pair.
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

    /// The rate as an entry alone says.
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

    /// Takes a change in; false when it changes nothing.
    ///
    /// Of two of the same exchange (or both of none) that have a sequence, the greater sequence wins, and of equal ones
    /// the later change; otherwise the later change. One numbered no later than what is stored has been taken in before.
    mutating func take(_ change: Rate) -> Bool {
        guard change.seq > self.seq else { return false }
        let isSameExchange = (self.exchange ?? "").hasSameBytes(as: change.exchange ?? "")
        if isSameExchange, let old = self.sequence, let new = change.sequence, new < old { return false }
        self = change
        return true
    }
}
