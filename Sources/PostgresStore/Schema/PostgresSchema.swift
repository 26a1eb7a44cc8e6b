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

extension PostgresSchema.Migration {
    /// State of sources. Names are `bytea`, which compares by bytes.
    ///
    /// - `sources.version` counts a source's steps, `token` identifies the last one.
    static let sources = PostgresSchema.Migration(
        version: 4,
        name: "sources",
        statements: [
            """
            CREATE TABLE sources (
                name bytea PRIMARY KEY,
                version bigint NOT NULL,
                token bigint NOT NULL
            ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)
            """,
            """
            CREATE TABLE source_entries (
                source bytea NOT NULL,
                name bytea NOT NULL,
                value bytea NOT NULL,
                PRIMARY KEY (source, name)
            ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
            """,
        ]
    )
}

extension PostgresSchema.Migration {
    /// - `events.trace`: the event's `traceparent`; null where it has none.
    static let traces = Self(
        version: 3,
        name: "traces",
        statements: ["ALTER TABLE events ADD COLUMN trace bytea"]
    )
}

extension PostgresSchema.Migration {
    /// - `revocations`: one row for each target. `change` grows with every change of any of them; as changes are made
    ///   under a lock on the table, none becomes visible after a later one.
    /// - `audit_trail`: appended to in batches by every node. Times are nanoseconds.
    static let access = PostgresSchema.Migration(
        version: 2,
        name: "revocations and audit trail",
        statements: [
            "CREATE SEQUENCE revocation_changes",
            """
            CREATE TABLE revocations (
                kind text COLLATE "C" NOT NULL,
                value text COLLATE "C" NOT NULL,
                change bigint NOT NULL UNIQUE DEFAULT nextval('revocation_changes'),
                since bigint NOT NULL,
                until bigint,
                reason text NOT NULL,
                lifted boolean NOT NULL DEFAULT false,
                PRIMARY KEY (kind, value)
            )
            """,
            """
            CREATE TABLE audit_trail (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                time bigint NOT NULL,
                node text NOT NULL,
                actor text COLLATE "C" NOT NULL,
                action text COLLATE "C" NOT NULL,
                object text NOT NULL,
                result text NOT NULL,
                count bigint NOT NULL,
                detail text NOT NULL
            )
            """,
            "CREATE INDEX audit_trail_time ON audit_trail (time)",
            "CREATE INDEX audit_trail_actor ON audit_trail (actor, id)",
        ]
    )
}
