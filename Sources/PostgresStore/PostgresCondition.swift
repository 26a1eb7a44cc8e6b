// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Logging
import NIOCore

/// Properties of a Postgres server that matter to a hub.
package struct PostgresCondition: Sendable {
    /// The value of `server_version`.
    package var version: String
    /// As a number: 150018 for 15.18.
    package var versionNumber: Int
    /// The requested settings by name, with the values of `SHOW`.
    package var settings: [String: String]
    /// Whether it is a read-only replica.
    package var isReplica: Bool
    /// Current connections of all programs.
    package var connections: Int
    package var maxConnections: Int
    /// The server's clock, halfway through ``roundTrip``.
    package var clock: Timestamp
    package var roundTrip: Duration

    /// Settings that determine whether events answered with 200 survive a power failure.
    package static let durability = ["synchronous_commit", "fsync", "full_page_writes"]

    private static let look = PostgresStatement(
        nil,
        """
        SELECT current_setting('server_version'), current_setting('server_version_num')::int8, pg_is_in_recovery(),
            (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int8,
            current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes')
        """
    )
    private static let time = PostgresStatement(
        nil,
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8"
    )

    /// Connects, queries and disconnects.
    package static func look(at url: String) async throws(TapeFault) -> Self {
        let quiet = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() }
        return try await PostgresMigrations.with(try PostgresAddress(url: url), quiet) {
            session throws(PostgresFault) in
            let rows = try session.run(PostgresCommand(Self.look))
            let asked = NIODeadline.now()
            let microseconds = try session.run(PostgresCommand(Self.time)).integer(0, 0)
            let roundTrip = NIODeadline.now() - asked
            var settings: [String: String] = [:]
            for (index, name) in Self.durability.enumerated() { settings[name] = rows.text(0, 5 + index) }
            return PostgresCondition(
                version: rows.text(0, 0),
                versionNumber: try rows.integer(0, 1),
                settings: settings,
                isReplica: rows.bool(0, 2),
                connections: try rows.integer(0, 3),
                maxConnections: try rows.integer(0, 4),
                clock: Timestamp(nanoseconds: 0).advanced(by: .microseconds(microseconds)),
                roundTrip: .nanoseconds(roundTrip.nanoseconds)
            )
        }
    }
}
