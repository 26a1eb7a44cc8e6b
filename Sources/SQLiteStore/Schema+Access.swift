// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// - `revocations`: one row for each target, replaced with each change, so that `change` grows with every one of them
    ///   and is never given twice.
    /// - `audit_trail`: ids are never given twice either, so that a page can be continued while rows are removed.
    static let access = """
        CREATE TABLE revocations (
            change INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            value TEXT NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER,
            reason TEXT NOT NULL,
            lifted INTEGER NOT NULL,
            UNIQUE (kind, value)
        ) STRICT;

        CREATE TABLE audit_trail (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time INTEGER NOT NULL,
            node TEXT NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            object TEXT NOT NULL,
            result TEXT NOT NULL,
            count INTEGER NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;

        CREATE INDEX audit_trail_time ON audit_trail (time);
        CREATE INDEX audit_trail_actor ON audit_trail (actor, id);
        """
}
