// SPDX-License-Identifier: Apache-2.0

import JSON

/// Rows to be written, each once, in this order of tables because of what refers to what: ``users``, ``wallets``,
/// ``transactions``, ``rates``. Each list is ascending by key, so that concurrent writers take rows in one order.
package struct ProjectedRows: Sendable {
    /// By user; the id is empty.
    private var named: [RowKey: (user: User, order: Int)] = [:]
    private var untold: [RowKey: (wallet: Wallet, order: Int)] = [:]
    private var told: [RowKey: Wallet] = [:]
    /// Take the place of the stored ones, with their details: a ``Transaction/trade`` or ``Transaction/transfer`` that is
    /// nil never had a row.
    package var transactions: [Transaction] = []
    /// Take the place of the stored ones.
    package var rates: [Rate] = []

    init() {}

    /// To be inserted where they are missing.
    package var users: [User] {
        self.named.sorted { $0.key < $1.key }.map(\.value.user)
    }

    /// Those with a balance take the place of the stored ones; those without are to be inserted where they are missing,
    /// because a transaction refers to them.
    package var wallets: [Wallet] {
        let untold = self.untold.filter { self.told[$0.key] == nil }.map(\.value.wallet)
        return (untold + self.told.values).sorted { $0.key < $1.key }
    }

    package var isEmpty: Bool {
        self.named.isEmpty && self.untold.isEmpty && self.told.isEmpty && self.transactions.isEmpty
            && self.rates.isEmpty
    }

    mutating func told(_ wallet: Wallet) {
        self.told[wallet.key] = wallet
    }

    /// - Parameter order: The place of the update that names the user; the first one counts.
    mutating func name(user id: String, at time: Timestamp, order: Int) {
        let key = RowKey(user: id, id: "")
        guard order < self.named[key]?.order ?? .max else { return }
        self.named[key] = (User(id: id, createdAt: time), order)
    }

    private mutating func name(wallet key: RowKey, currency: String, order: Int) {
        guard order < self.untold[key]?.order ?? .max else { return }
        self.untold[key] = (Wallet(key: key, currency: currency, told: nil), order)
    }

    /// Names the users and wallets of a transaction.
    /// - Parameter before: The transaction before the update; what it refers to is there already.
    mutating func nameReferences(of transaction: Transaction, _ before: Transaction?, at time: Timestamp, order: Int) {
        if let before, before.transfer == transaction.transfer, before.wallet.hasSameBytes(as: transaction.wallet) {
            return
        }
        let currency = transaction.currency ?? ProjectedData.defaultCurrency
        let key = RowKey(user: transaction.key.user, id: transaction.wallet)
        self.name(user: key.user, at: time, order: order)
        self.name(wallet: key, currency: currency, order: order)
        guard let transfer = transaction.transfer else { return }
        self.name(user: transfer.recipient, at: time, order: order)
        self.name(wallet: RowKey(user: transfer.recipient, id: transfer.wallet), currency: currency, order: order)
    }
}

/// Someone whom events were about.
package struct User: Sendable, Equatable {
    @ByBytes package var id: String
    /// The time of the event that first named the user.
    package var createdAt: Timestamp

    package init(id: String, createdAt: Timestamp) {
        self.id = id
        self.createdAt = createdAt
    }
}
