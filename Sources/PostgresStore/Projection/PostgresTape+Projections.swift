// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Synchronization

extension PostgresTape: Projections {
    package var projections: (any Projections)? { self }

    package var skipped: Int { self.skippedEntries.load(ordering: .relaxed) }

    private static let listWallets = PostgresStatement(
        "list_wallets",
        """
        SELECT \(PostgresProjection.wallet) FROM wallets w
        WHERE w.user_id = $1::text AND w.id > $2::text ORDER BY w.id LIMIT $3::int8
        """
    )

    package func wallets(of user: String, after id: String?, limit: Int) async throws(TapeFault) -> [Wallet] {
        guard Self.canBeStored(user) else { return [] }
        return try await self.rows(
            PostgresCommand(Self.listWallets).with(user).with(Self.bound(id)).with(max(0, limit)),
            PostgresProjection.wallet
        )
    }

    private static let getWallet = PostgresStatement(
        "get_wallet",
        "SELECT \(PostgresProjection.wallet) FROM wallets w WHERE w.user_id = $1::text AND w.id = $2::text"
    )

    package func wallet(_ key: RowKey) async throws(TapeFault) -> Wallet? {
        guard Self.canBeStored(key.user), Self.canBeStored(key.id) else { return nil }
        return try await self.rows(
            PostgresCommand(Self.getWallet).with(key.user).with(key.id),
            PostgresProjection.wallet
        ).first
    }

    /// One statement per set of filters; a filter by wallet uses another index.
    package func transactions(
        of user: String,
        matching filter: TransactionFilter,
        after cursor: TransactionCursor?,
        limit: Int
    ) async throws(TapeFault) -> [Transaction] {
        var name = "list_transactions"
        var condition = "t.user_id = $1::text"
        var texts = [user]
        for (column, wanted) in [("wallet_id", filter.wallet), ("type", filter.type), ("status", filter.status)] {
            guard let wanted else { continue }
            texts.append(wanted)
            name += "_\(column)"
            condition += " AND t.\(column) = $\(texts.count)::text"
        }
        guard texts.allSatisfy(Self.canBeStored) else { return [] }
        var count = texts.count
        if cursor != nil {
            name += "_after"
            condition += " AND (t.created_at, t.id) < ($\(count + 1)::int8, $\(count + 2)::text)"
            count += 2
        }
        let statement = PostgresStatement(
            name,
            """
            SELECT \(PostgresProjection.transaction) FROM transactions t
            \(PostgresProjection.details)
            WHERE \(condition) ORDER BY t.created_at DESC, t.id DESC LIMIT $\(count + 1)::int8
            """
        )
        var command = texts.reduce(PostgresCommand(statement)) { $0.with($1) }
        if let cursor { command = command.with(Int(cursor.createdAt.nanoseconds)).with(Self.bound(cursor.id)) }
        return try await self.rows(command.with(max(0, limit)), PostgresProjection.transaction)
    }

    private static let getTransaction = PostgresStatement(
        "get_transaction",
        """
        SELECT \(PostgresProjection.transaction) FROM transactions t
        \(PostgresProjection.details)
        WHERE t.user_id = $1::text AND t.id = $2::text
        """
    )

    package func transaction(_ key: RowKey) async throws(TapeFault) -> Transaction? {
        guard Self.canBeStored(key.user), Self.canBeStored(key.id) else { return nil }
        return try await self.rows(
            PostgresCommand(Self.getTransaction).with(key.user).with(key.id),
            PostgresProjection.transaction
        ).first
    }

    private static let getRate = PostgresStatement(
        "get_rate",
        "SELECT \(PostgresProjection.rate) FROM rates r WHERE r.pair = $1::text"
    )

    package func rate(of pair: String) async throws(TapeFault) -> Rate? {
        guard Self.canBeStored(pair) else { return nil }
        return try await self.rows(PostgresCommand(Self.getRate).with(pair), PostgresProjection.rate).first
    }

    private static let listRates = PostgresStatement(
        "list_rates",
        "SELECT \(PostgresProjection.rate) FROM rates r WHERE r.pair > $1::text ORDER BY r.pair LIMIT $2::int8"
    )

    package func rates(after pair: String?, limit: Int) async throws(TapeFault) -> [Rate] {
        try await self.rows(
            PostgresCommand(Self.listRates).with(Self.bound(pair)).with(max(0, limit)),
            PostgresProjection.rate
        )
    }

    private static let listUsers = PostgresStatement(
        "list_users",
        "SELECT id, created_at FROM users WHERE id > $1::text ORDER BY id LIMIT $2::int8"
    )

    package func users(after id: String?, limit: Int) async throws(TapeFault) -> [User] {
        try await self.rows(
            PostgresCommand(Self.listUsers).with(Self.bound(id)).with(max(0, limit)),
            PostgresProjection.user
        )
    }

    /// `text` cannot contain NUL, so no row has it.
    private static func canBeStored(_ text: String) -> Bool {
        !text.utf8.contains(0)
    }

    /// The text before the first NUL. As no row contains control characters, the rest does not change the order. Texts
    /// of rows are not empty.
    private static func bound(_ text: String?) -> String {
        String(decoding: (text ?? "").utf8.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// All rows of one statement, which has its own snapshot.
    private func rows<Row: Sendable>(
        _ command: PostgresCommand,
        _ read: @escaping @Sendable (PostgresRows, Int) -> Row?
    ) async throws(TapeFault) -> [Row] {
        do throws(PostgresFault) {
            return try await self.reading.read { session throws(PostgresFault) in
                let found = try session.run(command)
                var rows: [Row] = []
                rows.reserveCapacity(found.count)
                for index in 0..<found.count {
                    guard let row = read(found, index) else {
                        throw .unexpected("the row (\(found.text(index, 0)), \(found.text(index, 1))…) makes no sense")
                    }
                    rows.append(row)
                }
                return rows
            }
        } catch {
            throw error.tapeFault
        }
    }
}
