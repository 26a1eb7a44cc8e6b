// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB

/// The writing of projections on the writing connection, inside the transaction of the append.
struct ProjectionStatements {
    private let db: Database
    private let findWallet: Query
    private let findTransaction: Query
    private let findRate: Query

    init(_ db: Database) throws {
        self.db = db
        self.findWallet = try Query(ProjectionRows.wallet + " WHERE user_id = ? AND id = ?", in: db)
        self.findTransaction = try Query(ProjectionRows.transaction + " WHERE t.user_id = ? AND t.id = ?", in: db)
        self.findRate = try Query(ProjectionRows.rate + " WHERE pair = ?", in: db)
    }

    /// Brings the rows up to date.
    ///
    /// A stored row that cannot be understood counts as missing: damage done to one row must not stop the log.
    func write(_ batch: ProjectionBatch) throws {
        let rows = try batch.rows { key throws(any Error) in
            try self.find(self.findWallet, key, ProjectionRows.wallet)
        } transaction: { key throws(any Error) in
            try self.find(self.findTransaction, key, ProjectionRows.transaction)
        } rate: { pair throws(any Error) in
            try self.findRate.bind(1, pair)
            return try self.findRate.first(ProjectionRows.rate) ?? nil
        }
        try self.write(rows.users)
        try self.write(rows.wallets)
        try self.write(rows.transactions)
        try self.write(rows.rates)
    }

    private func find<Row>(_ query: Query, _ key: RowKey, _ read: (Query) -> Row?) throws -> Row? {
        try query.bind(1, key.user)
        try query.bind(2, key.id)
        return try query.first(read) ?? nil
    }

    private func write(_ users: [User]) throws {
        guard !users.isEmpty else { return }
        let query = try Query("INSERT OR IGNORE INTO users (id, created_at) VALUES (?, ?)", in: self.db)
        for user in users {
            try query.bind(1, user.id)
            try query.bind(2, user.createdAt.nanoseconds)
            try query.run()
        }
    }

    private func write(_ wallets: [Wallet]) throws {
        guard !wallets.isEmpty else { return }
        let name = try Query("INSERT OR IGNORE INTO wallets (user_id, id, currency) VALUES (?, ?, ?)", in: self.db)
        let tell = try Query(
            """
            INSERT OR REPLACE INTO wallets (user_id, id, currency, balance, available, version, updated_at, seq)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: self.db
        )
        for wallet in wallets {
            let query = wallet.lastUpdate == nil ? name : tell
            try query.bind(1, wallet.key.user)
            try query.bind(2, wallet.key.id)
            try query.bind(3, wallet.currency)
            if let lastUpdate = wallet.lastUpdate {
                try query.bind(4, lastUpdate.balance.description)
                try query.bind(5, nullable: lastUpdate.available?.description)
                try query.bind(6, nullable: lastUpdate.version)
                try query.bind(7, lastUpdate.updatedAt.nanoseconds)
                try query.bind(8, lastUpdate.seq)
            }
            try query.run()
        }
    }

    private func write(_ transactions: [Transaction]) throws {
        guard !transactions.isEmpty else { return }
        let query = try Query(
            """
            INSERT INTO transactions
                (user_id, id, type, amount, status, currency, wallet_id, created_at, updated_at, seq)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
                type = excluded.type, amount = excluded.amount, status = excluded.status,
                currency = excluded.currency, wallet_id = excluded.wallet_id, created_at = excluded.created_at,
                updated_at = excluded.updated_at, seq = excluded.seq
            """,
            in: self.db
        )
        for transaction in transactions {
            try query.bind(1, transaction.key.user)
            try query.bind(2, transaction.key.id)
            try query.bind(3, transaction.type)
            try query.bind(4, transaction.amount.description)
            try query.bind(5, transaction.status)
            try query.bind(6, nullable: transaction.currency)
            try query.bind(7, transaction.wallet)
            try query.bind(8, transaction.createdAt.nanoseconds)
            try query.bind(9, transaction.updatedAt.nanoseconds)
            try query.bind(10, transaction.seq)
            try query.run()
            if let trade = transaction.trade { try self.write(trade, of: transaction.key) }
            if let transfer = transaction.transfer { try self.write(transfer, of: transaction.key) }
        }
    }

    private func write(_ trade: TradeOrder, of key: RowKey) throws {
        let query = try Query(
            """
            INSERT OR REPLACE INTO trade_orders (user_id, transaction_id, pair, side, price, filled_amount)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            in: self.db
        )
        try query.bind(1, key.user)
        try query.bind(2, key.id)
        try query.bind(3, nullable: trade.pair)
        try query.bind(4, nullable: trade.side)
        try query.bind(5, nullable: trade.price?.description)
        try query.bind(6, nullable: trade.filledAmount?.description)
        try query.run()
    }

    private func write(_ transfer: Transfer, of key: RowKey) throws {
        let query = try Query(
            """
            INSERT OR REPLACE INTO p2p_transfers (user_id, transaction_id, recipient_id, recipient_wallet_id)
            VALUES (?, ?, ?, ?)
            """,
            in: self.db
        )
        try query.bind(1, key.user)
        try query.bind(2, key.id)
        try query.bind(3, transfer.recipient)
        try query.bind(4, transfer.wallet)
        try query.run()
    }

    private func write(_ rates: [Rate]) throws {
        guard !rates.isEmpty else { return }
        let query = try Query(
            """
            INSERT OR REPLACE INTO rates (pair, rate, bid, ask, exchange, sequence, updated_at, seq)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: self.db
        )
        for rate in rates {
            try query.bind(1, rate.pair)
            try query.bind(2, rate.rate.description)
            try query.bind(3, nullable: rate.bid?.description)
            try query.bind(4, nullable: rate.ask?.description)
            try query.bind(5, nullable: rate.exchange)
            try query.bind(6, nullable: rate.sequence)
            try query.bind(7, rate.updatedAt.nanoseconds)
            try query.bind(8, rate.seq)
            try query.run()
        }
    }
}
