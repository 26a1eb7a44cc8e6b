// SPDX-License-Identifier: Apache-2.0

/// Rows to be written, each once, in this order of tables because of what refers to what: ``users``, ``wallets``,
/// ``transactions``, ``rates``. Each list is ascending by key, so that concurrent writers take rows in one order.
package struct ProjectedRows: Sendable, Equatable {
    private var usersByKey: [RowKey: User] = [:]
    private var walletsByKey: [RowKey: Wallet] = [:]
    /// Take the place of the stored ones, with their details: a ``Transaction/trade`` or ``Transaction/transfer`` that is
    /// nil never had a row.
    package fileprivate(set) var transactions: [Transaction] = []
    /// Take the place of the stored ones.
    package var rates: [Rate] = []

    init() {}

    /// To be inserted where they are missing.
    package var users: [User] {
        self.usersByKey.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Those with a balance take the place of the stored ones; those without are to be inserted where they are missing,
    /// because a transaction refers to them.
    package var wallets: [Wallet] {
        self.walletsByKey.sorted { $0.key < $1.key }.map(\.value)
    }

    package var isEmpty: Bool {
        self.usersByKey.isEmpty && self.walletsByKey.isEmpty && self.transactions.isEmpty && self.rates.isEmpty
    }

    mutating func name(user id: String, at time: Timestamp?) {
        let key = RowKey(user: id, id: "")
        guard let time, self.usersByKey[key] == nil else { return }
        self.usersByKey[key] = User(id: id, createdAt: time)
    }

    mutating func told(_ wallet: Wallet) {
        self.walletsByKey[wallet.key] = wallet
    }

    mutating func told(_ transaction: Transaction, over stored: Transaction?) {
        self.transactions.append(transaction)
        // What the stored row refers to is there already.
        if let stored, stored.transfer == transaction.transfer, stored.wallet.hasSameBytes(as: transaction.wallet) {
            return
        }
        let currency = transaction.currency ?? ProjectedData.defaultCurrency
        self.name(user: transaction.key.user, at: transaction.createdAt)
        self.name(wallet: RowKey(user: transaction.key.user, id: transaction.wallet), currency: currency)
        if let transfer = transaction.transfer {
            self.name(user: transfer.recipient, at: transaction.createdAt)
            self.name(wallet: RowKey(user: transfer.recipient, id: transfer.wallet), currency: currency)
        }
    }

    private mutating func name(wallet key: RowKey, currency: String) {
        guard self.walletsByKey[key] == nil else { return }
        self.walletsByKey[key] = Wallet(key: key, currency: currency, told: nil)
    }
}

/// Someone whom events were about.
package struct User: Sendable, Equatable {
    package var id: String
    /// The time of an event of the append that first named the user.
    package var createdAt: Timestamp

    package init(id: String, createdAt: Timestamp) {
        self.id = id
        self.createdAt = createdAt
    }
}
