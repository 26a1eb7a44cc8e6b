// SPDX-License-Identifier: Apache-2.0

import EventLog

/// A source's step inside the transaction of its events.
///
/// The row of the source is locked first. If two processes both believe that they lead the source, one of them waits
/// and then finds that the source has moved. The token distinguishes an own step whose commit was not confirmed from a
/// step of another process.
struct PostgresStep {
    enum Standing {
        /// It has not been committed yet.
        case due
        /// It was committed by an attempt with an unknown outcome.
        case taken
        case moved
    }

    private static let add = PostgresStatement(
        "add_source",
        "INSERT INTO sources (name, version, token) VALUES ($1::bytea, 0, 0) ON CONFLICT DO NOTHING"
    )
    private static let lock = PostgresStatement(
        "lock_source",
        "SELECT version, token FROM sources WHERE name = $1::bytea FOR UPDATE"
    )
    private static let move = PostgresStatement(
        "move_source",
        "UPDATE sources SET version = $2::int8, token = $3::int8 WHERE name = $1::bytea"
    )
    private static let remove = PostgresStatement(
        "remove_source_entries",
        "DELETE FROM source_entries WHERE source = $1::bytea AND name = ANY($2::bytea[])"
    )
    private static let put = PostgresStatement(
        "put_source_entries",
        """
        INSERT INTO source_entries (source, name, value)
        SELECT $1::bytea, u.name, u.value FROM unnest($2::bytea[], $3::bytea[]) AS u (name, value)
        ON CONFLICT (source, name) DO UPDATE SET value = excluded.value
        """
    )

    let step: SourceStep

    /// Inside a transaction.
    func lock(_ session: PostgresSession) throws(PostgresFault) -> Standing {
        let rows = try session.run([
            PostgresCommand(Self.add).with(self.step.source), PostgresCommand(Self.lock).with(self.step.source),
        ])[1]
        if rows.int64(0, 1) == Int64(clamping: self.step.token) { return .taken }
        let version = try rows.integer(0, 0)
        return rows.count == 1 && version == self.step.version ? .due : .moved
    }

    /// Commands that commit the step.
    var commands: [PostgresCommand] {
        var commands = [
            PostgresCommand(Self.move).with(self.step.source).with(self.step.version + 1).with(self.step.token)
        ]
        if !self.step.removals.isEmpty {
            var names = PostgresColumn(.bytea)
            for name in self.step.removals { names.append(name) }
            commands.append(PostgresCommand(Self.remove).with(self.step.source).with(names))
        }
        if !self.step.puts.isEmpty {
            var names = PostgresColumn(.bytea)
            var values = PostgresColumn(.bytea)
            for entry in self.step.puts {
                names.append(entry.name)
                values.append(entry.value)
            }
            commands.append(PostgresCommand(Self.put).with(self.step.source).with(names).with(values))
        }
        if !self.step.deadLetters.isEmpty { commands += PostgresTape.setAsideCommands(self.step.deadLetters) }
        return commands
    }
}
