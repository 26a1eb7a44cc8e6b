// SPDX-License-Identifier: Apache-2.0

import JSON

/// A transaction of a user, as of the newest `transactionUpdate`. Each party of a transfer has its own row.
package struct Transaction: Sendable, Equatable {
    /// The id is `transactionId`, or the id of the event if it is missing.
    package var key: RowKey
    /// `trade`, `p2p`, `deposit`, `withdrawal` or any other.
    @ByBytes package var type: String
    package var amount: Amount
    @ByBytes package var status: String
    @ByBytes package var currency: String?
    /// Id of the affected wallet of the user in ``key``: `walletId`, otherwise the currency, otherwise USD. For the
    /// recipient of a transfer, `walletId` does not apply: the currency, otherwise USD.
    @ByBytes package var wallet: String
    /// The earliest time of all its updates.
    package var createdAt: Timestamp
    /// The time of the latest applied update.
    package var updatedAt: Timestamp
    /// The sequence number of that update on the user's `transactionUpdate` channel.
    package var seq: Int
    /// Details of a `trade`, if known.
    package var trade: TradeOrder?
    /// Details of a `p2p` transfer, if known.
    package var transfer: Transfer?

    package init(
        key: RowKey,
        type: String,
        amount: Amount,
        status: String,
        currency: String?,
        wallet: String,
        createdAt: Timestamp,
        updatedAt: Timestamp,
        seq: Int,
        trade: TradeOrder? = nil,
        transfer: Transfer? = nil
    ) {
        self.key = key
        self.type = type
        self.amount = amount
        self.status = status
        self.currency = currency
        self.wallet = wallet
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.seq = seq
        self.trade = trade
        self.transfer = transfer
    }

    /// The transaction as described by a single update.
    init(_ update: TransactionUpdate) {
        let currency = update.currency ?? ProjectedData.defaultCurrency
        self.init(
            key: update.key,
            type: update.type,
            amount: update.amount,
            status: update.status,
            currency: update.currency,
            wallet: update.wallet ?? currency,
            createdAt: update.time,
            updatedAt: update.time,
            seq: update.seq,
            trade: update.trade,
            transfer: update.recipient.map { Transfer(recipient: $0, wallet: currency) }
        )
    }

    /// Applies an update; returns false if it changes nothing.
    ///
    /// An update with an earlier time than the stored one only moves ``createdAt`` back. Otherwise the later update
    /// wins, and fields missing from it keep their values. An update with a sequence number not greater than the stored
    /// one has been applied before.
    mutating func take(_ update: TransactionUpdate) -> Bool {
        guard update.seq > self.seq else { return false }
        guard update.time >= self.updatedAt else {
            guard update.time < self.createdAt else { return false }
            self.createdAt = update.time
            return true
        }
        // A wallet id that does not follow from the currency was given explicitly, and is kept.
        let explained = self.currency ?? ProjectedData.defaultCurrency
        let given = update.wallet ?? (self.wallet.hasSameBytes(as: explained) ? nil : self.wallet)
        self.currency = update.currency ?? self.currency
        let currency = self.currency ?? ProjectedData.defaultCurrency
        self.wallet = given ?? currency
        self.type = update.type
        self.amount = update.amount
        self.status = update.status
        self.updatedAt = update.time
        self.seq = update.seq
        if let trade = update.trade {
            self.trade = trade.completed(by: self.trade)
        }
        if let recipient = update.recipient {
            self.transfer = Transfer(recipient: recipient, wallet: currency)
        }
        return true
    }
}

/// Details that only trades have.
package struct TradeOrder: Sendable, Equatable {
    @ByBytes package var pair: String?
    @ByBytes package var side: String?
    package var price: Amount?
    package var filledAmount: Amount?

    package init(pair: String?, side: String?, price: Amount?, filledAmount: Amount?) {
        self.pair = pair
        self.side = side
        self.price = price
        self.filledAmount = filledAmount
    }

    func completed(by older: TradeOrder?) -> TradeOrder {
        TradeOrder(
            pair: self.pair ?? older?.pair,
            side: self.side ?? older?.side,
            price: self.price ?? older?.price,
            filledAmount: self.filledAmount ?? older?.filledAmount
        )
    }
}

/// Details that only transfers between users have.
package struct Transfer: Sendable, Equatable {
    /// The receiving user.
    @ByBytes package var recipient: String
    /// Id of the recipient's wallet.
    @ByBytes package var wallet: String

    package init(recipient: String, wallet: String) {
        self.recipient = recipient
        self.wallet = wallet
    }
}
