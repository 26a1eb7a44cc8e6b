// SPDX-License-Identifier: Apache-2.0

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
