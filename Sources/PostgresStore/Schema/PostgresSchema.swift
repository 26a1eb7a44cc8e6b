// SPDX-License-Identifier: Apache-2.0

/// The tables as numbered migrations, one file each.
///
/// The table `migrations` lists the applied ones.
struct PostgresSchema: Sendable {
    /// One step; `version` counts from 1 without a gap.
    struct Migration: Sendable {
        let version: Int
        /// What it is for, in a few words.
        let name: String
        /// Statements that change a database of the version before, in one transaction with the steps after it.
        let statements: [String]
    }

    let migrations: [Migration]

    /// The version this program reads and writes.
    var version: Int {
        self.migrations.last?.version ?? 0
    }

    /// What this program uses.
    static let current = PostgresSchema(migrations: [.version1, .access, .traces, .sources])

    /// The tables by which a tape is recognised, and which another program may have under the same names.
    static let tables = [
        "tape", "migrations", "channels", "partitions", "chapters", "events", "receipts", "newest", "dead_letters",
        "source_marks", "sources", "source_entries", "users", "wallets", "transactions", "trade_orders",
        "p2p_transfers", "rates", "revocations", "audit_trail",
    ]
}
