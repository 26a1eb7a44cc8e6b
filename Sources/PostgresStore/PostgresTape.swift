// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A tape in a Postgres database, shared by any number of hubs.
///
/// Channels are numbered under locks on their rows, so hubs that append to different channels do not wait for each
/// other. Committed events are on the server's disk (`synchronous_commit = on`).
///
/// While the database is down, calls throw ``TapeFault/unavailable(_:)`` immediately, and reconnecting happens in the
/// background. While it is up but does not respond, each call times out after its limit.
package final class PostgresTape: Tape {
    /// Unit in which retention removes expired events.
    package enum RetentionGranularity: Sendable {
        /// Whole partitions, once all of their events have expired, so events live up to one partition width longer.
        /// The cost of retention does not depend on the number of events; for production.
        case partition
        /// Single events, by scanning the partitions; for small tapes.
        case row
    }

    /// Settings of the tape.
    package struct Settings: Sendable {
        package var retention = RetentionGranularity.partition
        /// Time span of a partition.
        package var partitionWidth = Duration.seconds(86_400)
        /// Time limit of one append or read; see ``settling``.
        package var limit = Duration.seconds(5)
        /// Time limit for connecting and logging in.
        package var connecting = Duration.seconds(3)
        /// Time limit for resolving an append with an unconfirmed commit on a new connection.
        package var settling = Duration.seconds(5)
        /// Number of connections for reading.
        package var readers = 4
        /// Delay between attempts to reconnect.
        package var backoff = Duration.milliseconds(100)...Duration.seconds(5)

        package init() {}
    }

    let settings: Settings
    package let epoch: String
    package var isShared: Bool { true }
    let appending: PostgresConnection
    let reading: PostgresPool
    /// For long operations that must not block others.
    let upkeep: PostgresConnection
    let leadership: PostgresLeadership
    /// Used by one append at a time.
    let memory: Mutex<AppendCache>
    /// See ``Projections/skipped``.
    let skippedEntries = Atomic<Int>(0)
    let loops: MultiThreadedEventLoopGroup
    let logger: Logger

    /// Opens the tape in a database, creating it if the database is empty.
    ///
    /// Refuses a server before version 14, a database with tables of another program under the tape's names, a newer
    /// schema, and, unless migration is allowed, an older schema.
    /// - Parameters:
    ///   - url: See ``PostgresAddress``. Its `search_path` (`options=-csearch_path%3Dname`) selects the schema.
    ///   - clock: Time of acceptance; nil uses the server's clock, which is the same for all hubs.
    package convenience init(
        url: String,
        allowMigration: Bool = false,
        settings: Settings = Settings(),
        logger: Logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() },
        clock: (@Sendable () -> Timestamp)? = nil
    ) async throws(TapeFault) {
        try await self.init(
            url: url,
            schema: .current,
            allowMigration: allowMigration,
            settings: settings,
            logger: logger,
            clock: clock
        )
    }

    init(
        url: String,
        schema: PostgresSchema,
        allowMigration: Bool,
        settings: Settings,
        logger: Logger,
        clock: (@Sendable () -> Timestamp)?
    ) async throws(TapeFault) {
        let address = try PostgresAddress(url: url)
        var limits = PostgresConnection.Limits()
        limits.connecting = settings.connecting
        limits.working = settings.limit
        limits.backoff = settings.backoff
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: settings.readers + 2)
        let fast = Self.setup(limit: settings.limit) + Self.plans
        func connection(_ setup: [String], limits: PostgresConnection.Limits) -> PostgresConnection {
            PostgresConnection(address, setup: setup, limits: limits, loop: loops.next(), logger: logger)
        }
        let appending = connection(fast, limits: limits)
        let opening = PostgresOpening(
            upgrade: PostgresUpgrade(schema: schema, place: address.description),
            allowMigration: allowMigration,
            logger: logger
        )
        let opened: PostgresOpening.Opened
        do throws(PostgresFault) {
            opened = try await appending.perform(within: .seconds(600)) { session throws(PostgresFault) in
                try opening.run(session)
            }
        } catch {
            await appending.close()
            try? await loops.shutdownGracefully()
            throw error.tapeFault.naming(address)
        }
        var slow = limits
        slow.working = Self.upkeepLimit
        self.settings = settings
        self.epoch = opened.epoch
        self.appending = appending
        self.upkeep = connection(Self.setup(limit: Self.upkeepLimit), limits: slow)
        self.reading = PostgresPool((0..<settings.readers).map { _ in connection(fast, limits: limits) })
        self.leadership = PostgresLeadership(address, limits: limits, logger: logger)
        self.memory = Mutex(AppendCache(epoch: opened.epoch, clock: clock, lastAccepted: opened.lastAccepted))
        self.loops = loops
        self.logger = logger
    }

    /// Time limit of one retention step.
    private static let upkeepLimit = Duration.seconds(60)

    /// Session settings of every connection.
    ///
    /// The server has the same timeout as the client, and ends transactions of a paused or crashed hub, which would
    /// block other hubs. Not every system can detect a disconnected client.
    static func setup(limit: Duration) -> [String] {
        let milliseconds = limit.wholeMilliseconds
        return [
            "SET synchronous_commit = on",
            "SET statement_timeout = \(milliseconds)",
            "SET idle_in_transaction_session_timeout = \(milliseconds)",
            "SET jit = off",
            """
            DO $$ BEGIN SET client_connection_check_interval = '1s'; EXCEPTION WHEN OTHERS THEN NULL; END $$
            """,
        ]
    }

    /// Planner settings: statements have a fixed form and suitable indexes, so they are planned once, and always with
    /// indexes, whatever the statistics.
    static let plans = [
        "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET enable_hashjoin = off",
        "SET enable_mergejoin = off", "SET enable_bitmapscan = off",
    ]

    package func close() async {
        await self.appending.close()
        await self.upkeep.close()
        await self.reading.close()
        try? await self.loops.shutdownGracefully()
    }
}

extension TapeFault {
    /// The same fault with the name of the database.
    func naming(_ address: PostgresAddress) -> TapeFault {
        let name = address.description
        return switch self {
        case .unavailable(let text): .unavailable(text.contains(name) ? text : "\(name): \(text)")
        case .outcomeUnknown(let text): .outcomeUnknown(text.contains(name) ? text : "\(name): \(text)")
        case .damaged(let text): .damaged(text.contains(name) ? text : "\(name): \(text)")
        case .refused: self
        }
    }
}
