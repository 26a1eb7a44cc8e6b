// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// How a row of a projection is asked for, and read from what comes back; nil when what is stored is no such row, such
/// as an amount of `NaN`.
enum PostgresProjection {
    // MARK: Wallets

    /// Columns of `wallets w`.
    static let wallet = """
        w.user_id, w.id, w.currency, w.balance::text, w.available::text, w.version, w.updated_at, w.seq
        """

    static func wallet(_ rows: PostgresRows, _ row: Int) -> Wallet? {
        var wallet = Wallet(
            key: RowKey(user: rows.text(row, 0), id: rows.text(row, 1)),
            currency: rows.text(row, 2),
            lastUpdate: nil
        )
        guard !rows.isNull(row, 3) else {
            return (4..<8).allSatisfy { rows.isNull(row, $0) } ? wallet : nil
        }
        guard let balance = Amount(rows.text(row, 3)), let available = self.amount(rows, row, 4),
            !rows.isNull(row, 6), !rows.isNull(row, 7), let seq = self.seq(rows, row, 7)
        else { return nil }
        wallet.lastUpdate = Wallet.Balance(
            balance: balance,
            available: available.value,
            version: self.integer(rows, row, 5),
            updatedAt: self.time(rows, row, 6),
            seq: seq
        )
        return wallet
    }

    // MARK: Transactions

    /// Columns of `transactions t` with ``details``.
    static let transaction = """
        t.user_id, t.id, t.type, t.amount::text, t.status, t.currency, t.wallet_id, t.created_at, t.updated_at, t.seq,
        o.user_id, o.pair, o.side, o.price::text, o.filled_amount::text, p.recipient_id, p.recipient_wallet_id
        """

    /// What is joined to `transactions t`. By one look into an index per transaction, whatever the server thinks of the
    /// tables' sizes: what has a limit is not turned into another kind of join.
    static let details = """
        LEFT JOIN LATERAL (
            SELECT * FROM trade_orders WHERE user_id = t.user_id AND transaction_id = t.id LIMIT 1
        ) o ON true
        LEFT JOIN LATERAL (
            SELECT * FROM p2p_transfers WHERE user_id = t.user_id AND transaction_id = t.id LIMIT 1
        ) p ON true
        """

    static func transaction(_ rows: PostgresRows, _ row: Int) -> Transaction? {
        guard let amount = Amount(rows.text(row, 3)), let price = self.amount(rows, row, 13),
            let filledAmount = self.amount(rows, row, 14), let seq = self.seq(rows, row, 9)
        else { return nil }
        return Transaction(
            key: RowKey(user: rows.text(row, 0), id: rows.text(row, 1)),
            type: rows.text(row, 2),
            amount: amount,
            status: rows.text(row, 4),
            currency: self.text(rows, row, 5),
            wallet: rows.text(row, 6),
            createdAt: self.time(rows, row, 7),
            updatedAt: self.time(rows, row, 8),
            seq: seq,
            trade: rows.isNull(row, 10)
                ? nil
                : TradeOrder(
                    pair: self.text(rows, row, 11),
                    side: self.text(rows, row, 12),
                    price: price.value,
                    filledAmount: filledAmount.value
                ),
            transfer: rows.isNull(row, 15)
                ? nil : Transfer(recipient: rows.text(row, 15), wallet: rows.text(row, 16))
        )
    }

    // MARK: Rates

    /// Columns of `rates r`.
    static let rate = """
        r.pair, r.rate::text, r.bid::text, r.ask::text, r.exchange, r.sequence, r.updated_at, r.seq
        """

    static func rate(_ rows: PostgresRows, _ row: Int) -> Rate? {
        guard let rate = Amount(rows.text(row, 1)), let bid = self.amount(rows, row, 2),
            let ask = self.amount(rows, row, 3), let seq = self.seq(rows, row, 7)
        else { return nil }
        return Rate(
            pair: rows.text(row, 0),
            rate: rate,
            bid: bid.value,
            ask: ask.value,
            exchange: self.text(rows, row, 4),
            sequence: self.integer(rows, row, 5),
            updatedAt: self.time(rows, row, 6),
            seq: seq
        )
    }

    // MARK: Users

    static func user(_ rows: PostgresRows, _ row: Int) -> User? {
        User(id: rows.text(row, 0), createdAt: self.time(rows, row, 1))
    }

    // MARK: Columns

    /// A column that may be null; nil when it is neither null nor an amount.
    private static func amount(_ rows: PostgresRows, _ row: Int, _ column: Int) -> (value: Amount?, Void)? {
        guard let text = self.text(rows, row, column) else { return (nil, ()) }
        return Amount(text).map { ($0, ()) }
    }

    private static func text(_ rows: PostgresRows, _ row: Int, _ column: Int) -> String? {
        rows.isNull(row, column) ? nil : rows.text(row, column)
    }

    private static func seq(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Int? {
        Int(rows.int64(row, column), in: .seq)
    }

    /// Only compared: rows of earlier programs may have any.
    private static func integer(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Int? {
        rows.isNull(row, column) ? nil : Int(clamping: rows.int64(row, column))
    }

    private static func time(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Timestamp {
        rows.time(row, column)
    }
}
