// SPDX-License-Identifier: Apache-2.0

/// A wallet of a user, as of the newest `balanceUpdate`.
package struct Wallet: Sendable, Equatable {
    /// The balance from an update.
    package struct Balance: Sendable, Equatable {
        package var balance: Amount
        package var available: Amount?
        /// The greatest version received; a newer update without a version keeps it.
        package var version: Int?
        /// The time of the update.
        package var updatedAt: Timestamp
        /// The sequence number of the update on the user's `balanceUpdate` channel.
        package var seq: Int

        package init(balance: Amount, available: Amount?, version: Int?, updatedAt: Timestamp, seq: Int) {
            self.balance = balance
            self.available = available
            self.version = version
            self.updatedAt = updatedAt
            self.seq = seq
        }
    }

    /// The id is `walletId`, or the currency if it is missing.
    package var key: RowKey
    @ByBytes package var currency: String
    /// Nil if only transactions have referred to the wallet so far.
    package var lastUpdate: Balance?

    package init(key: RowKey, currency: String, lastUpdate: Balance?) {
        self.key = key
        self.currency = currency
        self.lastUpdate = lastUpdate
    }

    /// The wallet as described by a single entry.
    init(_ data: ProjectedData, user: String, entry: TapeEntry) throws(ProjectedData.Unprojectable) {
        let currency = try data.text("currency") ?? ProjectedData.defaultCurrency
        self.key = RowKey(user: user, id: try data.text("walletId") ?? currency)
        self.currency = currency
        self.lastUpdate = Balance(
            balance: try ProjectedData.required(data.amount("balance")),
            available: try data.amount("available"),
            version: try data.integer("version"),
            updatedAt: entry.time,
            seq: entry.seq
        )
    }

    /// Applies an update; returns false if it changes nothing.
    ///
    /// If both have a version, the greater one wins, and for equal versions the later update. Otherwise the later
    /// update wins. An update with a sequence number not greater than the stored one has been applied before.
    mutating func take(_ update: Wallet) -> Bool {
        guard let new = update.lastUpdate else { return false }
        var version = new.version
        if let old = self.lastUpdate {
            guard new.seq > old.seq else { return false }
            if let oldVersion = old.version {
                guard new.version ?? oldVersion >= oldVersion else { return false }
                version = new.version ?? oldVersion
            }
        }
        self.currency = update.currency
        self.lastUpdate = new
        self.lastUpdate?.version = version
        return true
    }
}
