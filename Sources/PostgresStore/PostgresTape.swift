// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A tape in a Postgres database, which any number of hubs append to and read at once.
///
/// Channels are numbered under locks on their rows, so hubs that append to different channels do not wait for each
/// other. What was reported as committed is on the server's disk (`synchronous_commit = on`).
///
/// While the database is down, calls throw ``TapeFault/unavailable(_:)`` at once; it is looked for in the background.
/// While it is up but does not answer, each call gives up after its limit.
package final class PostgresTape: Tape {
    /// How much of an expired event's surroundings retention removes with it.
    package enum RetentionGranularity: Sendable {
        /// Whole partitions, once all that they hold has expired: events live up to one partition's width longer.
        /// What keeps the cost of retention independent of the number of events; for production.
        case partition
        /// Event by event, by reading through the partitions: for small tapes.
        case row
    }

    /// What can be set.
    package struct Settings: Sendable {
        package var retention = RetentionGranularity.partition
        /// How long a partition is appended to.
        package var partitionWidth = Duration.seconds(86_400)
        /// One append or read; see ``settling``.
        package var limit = Duration.seconds(5)
        /// To find the server and log in.
        package var connecting = Duration.seconds(3)
        /// To find out, by connecting anew, whether an append stands whose commit was not answered.
        package var settling = Duration.seconds(5)
        /// Connections for reading.
        package var readers = 4
        /// Between attempts to find a server that is down.
        package var backoff = Duration.milliseconds(100)...Duration.seconds(5)

        package init() {}
    }

    let settings: Settings
    package let epoch: String
    package var isShared: Bool { true }
    let address: PostgresAddress
    let appending: PostgresConnection
    let reading: PostgresPool
    /// For what takes long and must not hold up the others.
    let upkeep: PostgresConnection
    let limits: PostgresConnection.Limits
    /// Used by one append at a time.
    let memory: Mutex<PostgresMemory>
    /// See ``Projections/skipped``.
    let skippedEntries = Atomic<Int>(0)
    let loops: MultiThreadedEventLoopGroup
    let logger: Logger

    /// Opens the tape of a database, and sets it up if it is empty.
    ///
    /// Refused are: a server before version 14, a database with tables of another program under the tape's names, one
    /// of a newer schema, and, unless migration is allowed, one of an older schema.
    /// - Parameters:
    ///   - url: See ``PostgresAddress``. Its `search_path` (`options=-csearch_path%3Dname`) says where the tables are.
    ///   - clock: Says when an event was accepted; nil is the server's clock, the same for all hubs.
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
        self.address = address
        self.appending = appending
        self.upkeep = connection(Self.setup(limit: Self.upkeepLimit), limits: slow)
        self.reading = PostgresPool((0..<settings.readers).map { _ in connection(fast, limits: limits) })
        self.limits = limits
        self.memory = Mutex(PostgresMemory(epoch: opened.epoch, clock: clock, lastAccepted: opened.lastAccepted))
        self.loops = loops
        self.logger = logger
    }

    /// One step of retention.
    private static let upkeepLimit = Duration.seconds(60)

    /// What every connection is told.
    ///
    /// The server gives up when we do, and ends transactions of a hub that is stopped or gone: they would hold up the
    /// other hubs. Not every system can notice a client that is gone.
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

    /// Statements of fixed form over tables with the right indexes: they are planned once, and never as for a small
    /// table, whatever the statistics say.
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
    /// The same with the name of the database.
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
