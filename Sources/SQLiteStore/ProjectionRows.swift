// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// How a row of a projection is read from a query; nil when what is stored is no such row. Versions and sequences are
/// only compared: rows of earlier programs may have any.
enum ProjectionRows {
    static let wallet = "SELECT user_id, id, currency, balance, available, version, updated_at, seq FROM wallets"

    static func wallet(_ row: Query) -> Wallet? {
        var wallet = Wallet(key: RowKey(user: row.text(0), id: row.text(1)), currency: row.text(2), lastUpdate: nil)
        guard !row.isNull(3) else {
            return (4..<8).allSatisfy { row.isNull($0) } ? wallet : nil
        }
        guard let balance = Amount(row.text(3)), let available = self.amount(row, 4), !row.isNull(6), !row.isNull(7),
            let seq = Int(row.int64(7), in: .seq)
        else { return nil }
        wallet.lastUpdate = Wallet.Balance(
            balance: balance,
            available: available.value,
            version: row.nullableInt64(5).map { Int(clamping: $0) },
            updatedAt: Timestamp(nanoseconds: row.int64(6)),
            seq: seq
        )
        return wallet
    }

    static let transaction = """
        SELECT t.user_id, t.id, t.type, t.amount, t.status, t.currency, t.wallet_id, t.created_at, t.updated_at, t.seq,
            o.user_id, o.pair, o.side, o.price, o.filled_amount, p.recipient_id, p.recipient_wallet_id
        FROM transactions t
        LEFT JOIN trade_orders o ON o.user_id = t.user_id AND o.transaction_id = t.id
        LEFT JOIN p2p_transfers p ON p.user_id = t.user_id AND p.transaction_id = t.id
        """

    static func transaction(_ row: Query) -> Transaction? {
        guard let amount = Amount(row.text(3)), let price = self.amount(row, 13),
            let filledAmount = self.amount(row, 14), let seq = Int(row.int64(9), in: .seq)
        else { return nil }
        return Transaction(
            key: RowKey(user: row.text(0), id: row.text(1)),
            type: row.text(2),
            amount: amount,
            status: row.text(4),
            currency: row.nullableText(5),
            wallet: row.text(6),
            createdAt: Timestamp(nanoseconds: row.int64(7)),
            updatedAt: Timestamp(nanoseconds: row.int64(8)),
            seq: seq,
            trade: row.isNull(10)
                ? nil
                : TradeOrder(
                    pair: row.nullableText(11),
                    side: row.nullableText(12),
                    price: price.value,
                    filledAmount: filledAmount.value
                ),
            transfer: row.isNull(15) ? nil : Transfer(recipient: row.text(15), wallet: row.text(16))
        )
    }

    static let rate = "SELECT pair, rate, bid, ask, exchange, sequence, updated_at, seq FROM rates"

    static func rate(_ row: Query) -> Rate? {
        guard let rate = Amount(row.text(1)), let bid = self.amount(row, 2), let ask = self.amount(row, 3),
            let seq = Int(row.int64(7), in: .seq)
        else { return nil }
        return Rate(
            pair: row.text(0),
            rate: rate,
            bid: bid.value,
            ask: ask.value,
            exchange: row.nullableText(4),
            sequence: row.nullableInt64(5).map { Int(clamping: $0) },
            updatedAt: Timestamp(nanoseconds: row.int64(6)),
            seq: seq
        )
    }

    /// A column that may be null; nil when it is neither null nor an amount.
    private static func amount(_ row: Query, _ column: Int32) -> (value: Amount?, Void)? {
        guard let text = row.nullableText(column) else { return (nil, ()) }
        return Amount(text).map { ($0, ()) }
    }
}
