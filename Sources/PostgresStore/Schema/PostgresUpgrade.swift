// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Identifies a database and migrates it to a schema.
struct PostgresUpgrade: Sendable {
    let schema: PostgresSchema
    /// Names the database in messages.
    let place: String
    /// Receives the progress of migrations.
    var progress: SchemaAdvance.Tell = { _ in }

    /// Identity of the tape.
    struct Identity: Sendable {
        let epoch: String
        /// The version that was found.
        let found: Int
    }

    /// Minimum server version in libpq's notation (`client_connection_check_interval`, exact `extract`).
    private static let minServer = 140_000

    /// The schema version of a database; 0 if it has no tape. Changes nothing.
    func inspect(_ session: PostgresSession) throws(PostgresFault) -> Int {
        let server = try session.run(
            PostgresCommand(
                PostgresStatement(
                    nil,
                    "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
                )
            )
        )
        guard try server.integer(0, 0) >= Self.minServer else {
            throw .unexpected("\(self.place) runs on Postgres before 14; use 14 or later")
        }
        guard server.text(0, 1) == "UTF8" else {
            throw .unexpected(
                "\(self.place) has the encoding \(server.text(0, 1)); create it with ENCODING 'UTF8'"
            )
        }
        let tables = try self.tables(session)
        guard !tables.isEmpty else { return 0 }
        guard tables.contains("tape"), tables.contains("migrations"), try self.isTape(session) else {
            throw .unexpected(
                "\(self.place) has tables of another program under the names that the tape needs "
                    + "(\(tables.joined(separator: ", "))); give it a database or a search_path of its own"
            )
        }
        return try session.run(
            PostgresCommand(PostgresStatement(nil, "SELECT coalesce(max(version), 0) FROM migrations"))
        ).integer(0, 0)
    }

    /// The tape's table names that already exist in the target schema.
    private func tables(_ session: PostgresSession) throws(PostgresFault) -> [String] {
        let schema = try session.run(PostgresCommand(PostgresStatement(nil, "SELECT current_schema()::text")))
        guard !schema.isNull(0, 0) else {
            throw .unexpected("\(self.place) has no schema of the search_path; create it or change the search_path")
        }
        var names = PostgresColumn(.text)
        for table in PostgresSchema.tables { names.append(table) }
        let found = try session.run(
            PostgresCommand(
                PostgresStatement(
                    nil,
                    """
                    SELECT relname::text FROM pg_class
                    WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1::text[]) AND relkind IN ('r', 'p', 'v')
                    ORDER BY relname
                    """
                )
            ).with(names)
        )
        return (0..<found.count).map { found.text($0, 0) }
    }

    private func isTape(_ session: PostgresSession) throws(PostgresFault) -> Bool {
        do throws(PostgresFault) {
            return try session.run(
                PostgresCommand(PostgresStatement(nil, "SELECT 1 FROM tape WHERE name = 'epoch'"))
            ).count == 1
        } catch {
            if case .refused = error { return false }
            throw error
        }
    }

    /// Migrates the database if it is empty or if migration is allowed, and refuses a newer schema. If several nodes
    /// start together, one migrates and the others wait.
    func run(_ session: PostgresSession, allowMigration: Bool) throws(PostgresFault) -> Identity {
        var found = try self.inspect(session)
        if found < self.schema.version {
            found = try session.transaction { () throws(PostgresFault) in
                // Waiting for another hub and the migrations themselves may take long.
                try session.run(sql: ["SET LOCAL statement_timeout = 0"])
                try session.run(PostgresCommand(PostgresLock.migration.take()))
                let found = try self.inspect(session)
                guard found == 0 || found >= self.schema.version || allowMigration else {
                    throw .unexpected(
                        "the tape \(self.place) has schema version \(found), older than this program's "
                            + "\(self.schema.version); migrate it with --migrate or `broadtape migrate up`"
                    )
                }
                try self.apply(session, from: found)
                return found
            }
        }
        guard found <= self.schema.version else {
            throw .unexpected(
                "the tape \(self.place) has schema version \(found), newer than this program's \(self.schema.version); "
                    + "use a newer program"
            )
        }
        let epoch = try session.run(
            PostgresCommand(PostgresStatement(nil, "SELECT value FROM tape WHERE name = 'epoch'"))
        )
        guard epoch.count == 1 else { throw .unexpected("the tape \(self.place) has lost its epoch") }
        return Identity(epoch: epoch.text(0, 0), found: found)
    }

    private func apply(_ session: PostgresSession, from version: Int) throws(PostgresFault) {
        if version == 0 {
            try session.run(sql: [
                """
                CREATE TABLE migrations (
                    version integer PRIMARY KEY,
                    name text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )
                """
            ])
        }
        let note = PostgresStatement(nil, "INSERT INTO migrations (version, name) VALUES ($1::int, $2::text)")
        for migration in self.schema.migrations where migration.version > version {
            self.progress(SchemaAdvance(version: migration.version, name: migration.name))
            try session.run(sql: migration.statements)
            try session.run(
                PostgresCommand(note).with(Int32(clamping: migration.version)).with(migration.name)
            )
        }
        if version == 0 {
            let epoch = PostgresStatement(nil, "INSERT INTO tape (name, value) VALUES ('epoch', $1::text)")
            try session.run(PostgresCommand(epoch).with(Epoch.random()))
        }
    }
}

/// Advisory locks that the nodes on one tape share.
///
/// The second key separates tapes in other schemas of the database.
enum PostgresLock: Int32 {
    /// Changing the schema. Its second key is the schema, as there may be no tables yet.
    case migration = 0x4274_7001
    /// Creating and removing partitions, retention.
    case partitions = 0x4274_7002

    /// Acquires it until the end of the transaction.
    func take() -> PostgresStatement {
        PostgresStatement(
            nil,
            "SELECT pg_advisory_xact_lock(\(self.rawValue), current_schema()::regnamespace::oid::bigint::bit(32)::int)"
        )
    }
}
