// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

/// Opens a database as a tape.
struct PostgresOpening: Sendable {
    let upgrade: PostgresUpgrade
    let allowMigration: Bool
    let logger: Logger

    struct Opened: Sendable {
        let epoch: String
        let lastAccepted: Timestamp
    }

    private static let look = PostgresStatement(
        nil,
        """
        SELECT current_setting('server_version'), current_database()::text, current_schema()::text,
            current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes')
        """
    )
    private static let last = PostgresStatement(nil, "SELECT coalesce(max(accepted), 0) FROM channels")

    func run(_ session: PostgresSession) throws(PostgresFault) -> Opened {
        let identity = try self.upgrade.run(session, allowMigration: self.allowMigration)
        let server = try session.run(PostgresCommand(Self.look))
        self.logger.info(
            "tape opened",
            metadata: [
                "place": "\(self.upgrade.place)", "epoch": "\(identity.epoch)",
                "server": "\(server.text(0, 0))", "database": "\(server.text(0, 1))", "schema": "\(server.text(0, 2))",
                "synchronous_commit": "\(server.text(0, 3))",
                "found_version": "\(identity.found)", "version": "\(self.upgrade.schema.version)",
            ]
        )
        for (column, setting) in [(3, "synchronous_commit"), (4, "fsync"), (5, "full_page_writes")]
        where server.text(0, column) == "off" {
            self.logger.warning(
                "the server may lose commits with the power: set \(setting) to on",
                metadata: ["setting": "\(setting)"]
            )
        }
        let last = try session.transaction { () throws(PostgresFault) in
            // Reads all channels.
            try session.run(sql: ["SET LOCAL statement_timeout = 0", "SET LOCAL enable_seqscan = on"])
            return try session.run(PostgresCommand(Self.last)).time(0, 0)
        }
        return Opened(epoch: identity.epoch, lastAccepted: last)
    }
}
