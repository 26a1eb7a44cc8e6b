// SPDX-License-Identifier: Apache-2.0

import JSON

/// The rows to write, without duplicates. The tables must be written in this order because of foreign keys: ``users``,
/// ``wallets``, ``transactions``, ``rates``. Each list is ascending by key, so that concurrent writers lock rows in the
/// same order.
package struct ProjectedRows: Sendable {
    /// By user; the id is empty.
    private var named: [RowKey: (user: User, order: Int)] = [:]
    private var withoutUpdate: [RowKey: (wallet: Wallet, order: Int)] = [:]
    private var withUpdate: [RowKey: Wallet] = [:]
    /// Replace the stored rows, including their details: if ``Transaction/trade`` or ``Transaction/transfer`` is nil,
    /// there is no stored row for it either.
    package var transactions: [Transaction] = []
    /// Replace the stored rows.
    package var rates: [Rate] = []

    init() {}

    /// To be inserted if missing.
    package var users: [User] {
        self.named.sorted { $0.key < $1.key }.map(\.value.user)
    }

    /// Wallets with a balance replace the stored rows. Those without are inserted if missing, because a transaction
    /// refers to them.
    package var wallets: [Wallet] {
        let referenced = self.withoutUpdate.filter { self.withUpdate[$0.key] == nil }.map(\.value.wallet)
        return (referenced + self.withUpdate.values).sorted { $0.key < $1.key }
    }

    package var isEmpty: Bool {
        self.named.isEmpty && self.withoutUpdate.isEmpty && self.withUpdate.isEmpty && self.transactions.isEmpty
            && self.rates.isEmpty
    }

    mutating func replace(_ wallet: Wallet) {
        self.withUpdate[wallet.key] = wallet
    }

    /// - Parameter order: Position of the update that refers to the user; the first one counts.
    mutating func name(user id: String, at time: Timestamp, order: Int) {
        let key = RowKey(user: id, id: "")
        guard order < self.named[key]?.order ?? .max else { return }
        self.named[key] = (User(id: id, createdAt: time), order)
    }

    private mutating func name(wallet key: RowKey, currency: String, order: Int) {
        guard order < self.withoutUpdate[key]?.order ?? .max else { return }
        self.withoutUpdate[key] = (Wallet(key: key, currency: currency, lastUpdate: nil), order)
    }

    /// Adds the users and wallets that a transaction refers to.
    /// - Parameter before: The transaction before the update; the rows it refers to exist already.
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

/// A user that events refer to.
package struct User: Sendable, Equatable {
    @ByBytes package var id: String
    /// The time of the first event that refers to the user.
    package var createdAt: Timestamp

    package init(id: String, createdAt: Timestamp) {
        self.id = id
        self.createdAt = createdAt
    }
}
