// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
import Synchronization

extension SQLiteTape: Projections {
    package var projections: (any Projections)? { self }

    package var skipped: Int { self.skippedEntries.load(ordering: .relaxed) }

    package func wallets(of user: String, after id: String?, limit: Int) async throws(TapeFault) -> [Wallet] {
        try await self.rows(
            ProjectionRows.wallet + " WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?",
            // Ids are not empty.
            [.text(user), .text(id ?? ""), .integer(limit)],
            ProjectionRows.wallet
        )
    }

    package func wallet(_ key: RowKey) async throws(TapeFault) -> Wallet? {
        try await self.rows(
            ProjectionRows.wallet + " WHERE user_id = ? AND id = ?",
            [.text(key.user), .text(key.id)],
            ProjectionRows.wallet
        ).first
    }

    package func transactions(
        of user: String,
        matching filter: TransactionFilter,
        after cursor: TransactionCursor?,
        limit: Int
    ) async throws(TapeFault) -> [Transaction] {
        var sql = ProjectionRows.transaction + " WHERE t.user_id = ?"
        var arguments: [Argument] = [.text(user)]
        for (column, wanted) in [("wallet_id", filter.wallet), ("type", filter.type), ("status", filter.status)] {
            guard let wanted else { continue }
            sql += " AND t.\(column) = ?"
            arguments.append(.text(wanted))
        }
        if let cursor {
            sql += " AND (t.created_at, t.id) < (?, ?)"
            arguments += [.integer(Int(cursor.createdAt.nanoseconds)), .text(cursor.id)]
        }
        sql += " ORDER BY t.created_at DESC, t.id DESC LIMIT ?"
        arguments.append(.integer(limit))
        return try await self.rows(sql, arguments, ProjectionRows.transaction)
    }

    package func transaction(_ key: RowKey) async throws(TapeFault) -> Transaction? {
        try await self.rows(
            ProjectionRows.transaction + " WHERE t.user_id = ? AND t.id = ?",
            [.text(key.user), .text(key.id)],
            ProjectionRows.transaction
        ).first
    }

    package func rate(of pair: String) async throws(TapeFault) -> Rate? {
        try await self.rows(ProjectionRows.rate + " WHERE pair = ?", [.text(pair)], ProjectionRows.rate).first
    }

    package func rates(after pair: String?, limit: Int) async throws(TapeFault) -> [Rate] {
        try await self.rows(
            ProjectionRows.rate + " WHERE pair > ? ORDER BY pair LIMIT ?",
            [.text(pair ?? ""), .integer(limit)],
            ProjectionRows.rate
        )
    }

    package func users(after id: String?, limit: Int) async throws(TapeFault) -> [User] {
        try await self.rows(
            "SELECT id, created_at FROM users WHERE id > ? ORDER BY id LIMIT ?",
            [.text(id ?? ""), .integer(limit)],
            { User(id: $0.text(0), createdAt: Timestamp(nanoseconds: $0.int64(1))) }
        )
    }

    private enum Argument: Sendable {
        case text(String)
        case integer(Int)
    }

    /// All rows of a query. Every statement differs by its text only in which filters there are, so the connection's
    /// cache of statements stays small.
    private func rows<Row: Sendable>(
        _ sql: String,
        _ arguments: [Argument],
        _ read: @escaping @Sendable (Query) -> Row?
    ) async throws(TapeFault) -> [Row] {
        try await self.read { db in
            let query = try Query(sql, in: db)
            for (index, argument) in zip(Int32(1)..., arguments) {
                switch argument {
                case .text(let text): try query.bind(index, text)
                case .integer(let number): try query.bind(index, number)
                }
            }
            defer { query.reset() }
            var rows: [Row] = []
            while try query.step() {
                guard let row = read(query) else {
                    throw TapeFault.damaged(
                        "the row (\(query.text(0)), \(query.text(1))…) of a projection makes no sense"
                    )
                }
                rows.append(row)
            }
            return rows
        }
    }
}
