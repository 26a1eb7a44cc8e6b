// SPDX-License-Identifier: Apache-2.0

/// A wallet of a user as the newest `balanceUpdate` says.
package struct Wallet: Sendable, Equatable {
    /// What an update said.
    package struct Balance: Sendable, Equatable {
        package var balance: Amount
        package var available: Amount?
        /// The greatest version that was told; a newer update without one leaves it.
        package var version: Int?
        /// The update's time.
        package var updatedAt: Timestamp
        /// The update's number on `balanceUpdate` of the user.
        package var seq: Int

        package init(balance: Amount, available: Amount?, version: Int?, updatedAt: Timestamp, seq: Int) {
            self.balance = balance
            self.available = available
            self.version = version
            self.updatedAt = updatedAt
            self.seq = seq
        }
    }

    /// The id is `walletId`, or the currency where none is told.
    package var key: RowKey
    @ByBytes package var currency: String
    /// Nil where only transactions have named the wallet so far.
    package var told: Balance?

    package init(key: RowKey, currency: String, told: Balance?) {
        self.key = key
        self.currency = currency
        self.told = told
    }

    /// The wallet an entry is about, as this entry alone says.
    init(_ data: ProjectedData, user: String, entry: TapeEntry) throws(ProjectedData.Unprojectable) {
        let currency = try data.text("currency") ?? ProjectedData.defaultCurrency
        self.key = RowKey(user: user, id: try data.text("walletId") ?? currency)
        self.currency = currency
        self.told = Balance(
            balance: try ProjectedData.required(data.amount("balance")),
            available: try data.amount("available"),
            version: try data.integer("version"),
            updatedAt: entry.time,
            seq: entry.seq
        )
    }

    /// Takes an update in; false when it changes nothing.
    ///
    /// Where both have a version, the greater one wins, and of equal ones the later update; otherwise the later update.
    /// One numbered no later than what is stored has been taken in before.
    mutating func take(_ update: Wallet) -> Bool {
        guard let new = update.told else { return false }
        var version = new.version
        if let old = self.told {
            guard new.seq > old.seq else { return false }
            if let oldVersion = old.version {
                guard new.version ?? oldVersion >= oldVersion else { return false }
                version = new.version ?? oldVersion
            }
        }
        self.currency = update.currency
        self.told = new
        self.told?.version = version
        return true
    }
}
