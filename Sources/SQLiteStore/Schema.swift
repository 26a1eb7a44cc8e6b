// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB

/// The tables as numbered migrations.
///
/// `PRAGMA user_version` is the version of a file.
struct Schema: Sendable {
    /// One step; `version` counts from 1 without a gap.
    struct Migration: Sendable {
        let version: Int
        /// What it is for, in a few words.
        let name: String
        /// Migrates a database of the previous version, and reports the number of processed and total events.
        ///
        /// Runs in one transaction together with the following steps.
        let apply: @Sendable (Database, _ tell: (_ done: Int, _ total: Int) -> Void) throws -> Void
    }

    /// Marks a file as a tape: "Btap".
    static let applicationID = 0x4274_6170

    let migrations: [Migration]

    /// The version this program reads and writes.
    var version: Int {
        self.migrations.last?.version ?? 0
    }

    /// What this program uses.
    static let current = Schema(migrations: [
        Migration(version: 1, name: "the tape") { db, _ in
            try db.execute(sql: Self.version1, arguments: [Epoch.random()])
        },
        Migration(version: 2, name: "projections and fan-in") { db, tell in
            try db.execute(sql: Self.version2)
            try Backfill(db).run(tell)
        },
        Migration(version: 3, name: "revocations and audit trail") { db, _ in try db.execute(sql: Self.access) },
        Migration(version: 4, name: "traces") { db, _ in try db.execute(sql: Self.traces) },
        Migration(version: 5, name: "sources") { db, _ in try db.execute(sql: Self.sources) },
    ])

    /// Applies the pending steps of a database with `version` and sets its application ID, in one transaction.
    func migrate(_ db: Database, from version: Int, _ tell: SchemaAdvance.Tell) throws {
        try db.inTransaction(.immediate) {
            for migration in self.migrations where migration.version > version {
                tell(SchemaAdvance(version: migration.version, name: migration.name))
                try migration.apply(db) { done, total in
                    tell(SchemaAdvance(version: migration.version, name: migration.name, done: done, total: total))
                }
            }
            try db.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
            try db.execute(sql: "PRAGMA user_version = \(self.version)")
            return .commit
        }
    }

    /// Per event one row goes to the end of `events` and `ageing`, one to its place in `positions` and one in the
    /// index of ids; nothing else is written unless a channel is new or has slots.
    ///
    /// - `channels.first`: the oldest number retained. The head is the last of `positions`: retention never removes it.
    /// - `channels.slotted`: an event had a slot, so `newest` is kept; otherwise the head is the newest.
    /// - `channels.kept`: some newest entry of it may have left `ageing`.
    /// - `events.positions`: `[channel, seq, channel, seq …]` in the order of keys, for dedupe and retention.
    /// - `ageing`: events that retention has not checked yet. An event skipped as the newest of a slot is removed, and
    ///   added again when it is superseded, so that no event is checked twice.
    private static let version1 = """
        CREATE TABLE tape (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        INSERT INTO tape (name, value) VALUES ('epoch', ?);

        CREATE TABLE types (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE
        ) STRICT;

        CREATE TABLE channels (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            first INTEGER NOT NULL DEFAULT 1,
            slotted INTEGER NOT NULL,
            kept INTEGER NOT NULL DEFAULT 0
        ) STRICT;

        CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            event_id TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            type INTEGER NOT NULL,
            time INTEGER NOT NULL,
            accepted INTEGER NOT NULL,
            slot TEXT NOT NULL,
            positions TEXT NOT NULL,
            data TEXT NOT NULL,
            UNIQUE (event_id, source)
        ) STRICT;

        CREATE TABLE positions (
            channel INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            event INTEGER NOT NULL,
            PRIMARY KEY (channel, seq)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE newest (
            channel INTEGER NOT NULL,
            slot TEXT NOT NULL,
            seq INTEGER NOT NULL,
            event INTEGER NOT NULL,
            PRIMARY KEY (channel, slot)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE ageing (
            type INTEGER NOT NULL,
            event INTEGER NOT NULL,
            PRIMARY KEY (type, event)
        ) STRICT, WITHOUT ROWID;
        """
}

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

extension Schema {
    /// - `events.trace`: the event's `traceparent`; null where it has none.
    static let traces = "ALTER TABLE events ADD COLUMN trace TEXT"
}
