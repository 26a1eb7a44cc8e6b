// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// The projections of one attempt to append, in the transaction of the events.
///
/// The rows that the batch may change are read directly after the lock on its channels, in the same round trip. From
/// then on no other node changes them, and earlier changes are visible. Their new values are written in the round trip
/// that writes the events.
///
/// Users, and wallets that a transaction names, may be inserted by several nodes at once. All nodes insert in the same
/// order, by table and by key, so they do not deadlock.
struct ProjectionRows {
    private var batch = ProjectionBatch()
    private var wallets: [RowKey: Wallet] = [:]
    private var transactions: [RowKey: Transaction] = [:]
    private var rates: [ExactText: Rate] = [:]

    var skipped: Int { self.batch.skipped }

    // MARK: Reading

    // Each key is looked up separately, whatever the table statistics: see ``PostgresProjection/details``.

    private static let findWallets = PostgresStatement(
        "find_wallets",
        """
        SELECT \(PostgresProjection.wallet)
        FROM unnest($1::text[], $2::text[]) AS u (user_id, id) CROSS JOIN LATERAL (
            SELECT * FROM wallets WHERE user_id = u.user_id AND id = u.id LIMIT 1
        ) w
        """
    )
    private static let findTransactions = PostgresStatement(
        "find_transactions",
        """
        SELECT \(PostgresProjection.transaction)
        FROM unnest($1::text[], $2::text[]) AS u (user_id, id) CROSS JOIN LATERAL (
            SELECT * FROM transactions WHERE user_id = u.user_id AND id = u.id LIMIT 1
        ) t
        \(PostgresProjection.details)
        """
    )
    private static let findRates = PostgresStatement(
        "find_rates",
        """
        SELECT \(PostgresProjection.rate)
        FROM unnest($1::text[]) AS u (pair) CROSS JOIN LATERAL (
            SELECT * FROM rates WHERE pair = u.pair LIMIT 1
        ) r
        """
    )

    /// Commands that read the rows touched by a batch; empty for events without projections.
    static func reads(of touched: ProjectionBatch) -> [PostgresCommand] {
        guard !touched.isEmpty else { return [] }
        var reads: [PostgresCommand] = []
        for (statement, keys) in [
            (Self.findWallets, touched.walletKeys), (Self.findTransactions, touched.transactionKeys),
        ] where !keys.isEmpty {
            var users = PostgresColumn(.text)
            var ids = PostgresColumn(.text)
            for key in keys {
                users.append(key.user)
                ids.append(key.id)
            }
            reads.append(PostgresCommand(statement).with(users).with(ids))
        }
        let touchedPairs = touched.pairs
        guard !touchedPairs.isEmpty else { return reads }
        var pairs = PostgresColumn(.text)
        for pair in touchedPairs { pairs.append(pair) }
        reads.append(PostgresCommand(Self.findRates).with(pairs))
        return reads
    }

    /// Processes the results of ``reads(of:)``.
    ///
    /// A stored row that is invalid counts as missing: one damaged row must not stop the log.
    mutating func take(_ answers: some Sequence<PostgresRows>, to reads: [PostgresCommand]) {
        for (read, rows) in zip(reads, answers) {
            for row in 0..<rows.count {
                switch read.statement.name {
                case Self.findWallets.name:
                    if let wallet = PostgresProjection.wallet(rows, row) { self.wallets[wallet.key] = wallet }
                case Self.findTransactions.name:
                    guard let transaction = PostgresProjection.transaction(rows, row) else { continue }
                    self.transactions[transaction.key] = transaction
                default:
                    if let rate = PostgresProjection.rate(rows, row) { self.rates[ExactText(rate.pair)] = rate }
                }
            }
        }
    }

    // MARK: Writing

    /// Adds a new event.
    mutating func add(_ event: Event, _ seqs: [Int]) {
        self.batch.add(event, seqs: seqs)
    }

    /// Commands that write the changed rows.
    var commands: [PostgresCommand] {
        guard !self.batch.isEmpty else { return [] }
        let rows = self.batch.rows {
            self.wallets[$0]
        } transaction: {
            self.transactions[$0]
        } rate: {
            self.rates[ExactText($0)]
        }
        var commands: [PostgresCommand] = []
        if !rows.users.isEmpty { commands.append(Self.command(rows.users)) }
        if !rows.wallets.isEmpty { commands.append(Self.command(rows.wallets)) }
        if !rows.transactions.isEmpty {
            commands.append(Self.command(rows.transactions))
            let trades = rows.transactions.filter { $0.trade != self.transactions[$0.key]?.trade }
            if !trades.isEmpty { commands.append(Self.command(tradesOf: trades)) }
            let transfers = rows.transactions.filter { $0.transfer != self.transactions[$0.key]?.transfer }
            if !transfers.isEmpty { commands.append(Self.command(transfersOf: transfers)) }
        }
        if !rows.rates.isEmpty { commands.append(Self.command(rows.rates)) }
        return commands
    }
}
