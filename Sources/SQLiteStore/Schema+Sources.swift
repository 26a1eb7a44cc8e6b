// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What sources remember.
    ///
    /// - `sources.version` counts a source's steps, `token` tells the last one.
    static let sources = """
        CREATE TABLE sources (
            name TEXT NOT NULL PRIMARY KEY,
            version INTEGER NOT NULL,
            token INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE source_entries (
            source TEXT NOT NULL,
            name TEXT NOT NULL,
            value BLOB NOT NULL,
            PRIMARY KEY (source, name)
        ) STRICT, WITHOUT ROWID;
        """
}
