// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
package import Logging
import Synchronization

/// A tape in one SQLite file, for one hub on one machine.
///
/// WAL with `synchronous = FULL`: committed events survive `kill -9` and power failure. Appends and retention share one
/// connection; reads run concurrently on others, each in its own snapshot.
package final class SQLiteTape: Tape {
    let pool: DatabasePool
    package let epoch: String
    /// The lock on the file makes this process the only one.
    package var isShared: Bool { false }
    let clock: @Sendable () -> Timestamp
    /// The writing connection's cache.
    ///
    /// A writer moves it out and restores it after the commit, so that after a failure it is empty and read again.
    let ledger = Mutex(AppendCache())
    /// See ``Projections/skipped``.
    let skippedEntries = Atomic<Int>(0)
    let files: TapeFiles
    /// Content known to this hub, which no other program may change.
    let known: Mutex<KnownContent>
    /// Whether a commit has failed and no trial has succeeded since.
    let hasFailedCommit = Atomic<Bool>(false)
    let readLog = Mutex(LogThrottle())
    let isToldOfLoss = Atomic<Bool>(false)
    let remarks = Mutex<Set<String>>([])
    let logger: Logger

    /// Opens the tape at a path, creating it and its folder if necessary.
    ///
    /// Refuses a file in use by another hub, a file that is not a tape, a newer schema, and, unless migration is
    /// allowed, an older schema.
    /// - Parameters:
    ///   - examines: Whether a damaged file is refused; otherwise use ``damage()`` to list the damage.
    ///   - busyTimeout: How long to wait for other programs that have the file open, such as a backup.
    ///   - clock: Time of acceptance. A time before that of the last event is replaced by it.
    package convenience init(
        path: String,
        allowMigration: Bool = false,
        examines: Bool = true,
        busyTimeout: Duration = .seconds(5),
        logger: Logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() },
        clock: @escaping @Sendable () -> Timestamp = { Timestamp.now }
    ) async throws(TapeFault) {
        try await self.init(
            opening: Opening(
                path: path,
                schema: .current,
                allowMigration: allowMigration,
                examines: examines,
                busyTimeout: busyTimeout,
                logger: logger
            ),
            clock: clock
        )
    }

    init(opening: Opening, clock: @escaping @Sendable () -> Timestamp) async throws(TapeFault) {
        let opened = try await offLoop { () throws(TapeFault) in try opening.run() }
        self.pool = opened.pool
        self.epoch = opened.epoch
        self.files = opened.files
        self.known = Mutex(KnownContent(last: opened.last))
        self.logger = opening.logger
        self.clock = clock
    }

    /// Runs work on the writing connection, after previous work.
    ///
    /// Ignores cancellation: a commit that has begun is completed.
    func write<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws(TapeFault) -> Value
    ) async throws(TapeFault) -> Value {
        try await withCheckedContinuation { (waiter: CheckedContinuation<Result<Value, TapeFault>, Never>) in
            self.pool.asyncWriteWithoutTransaction { db in
                waiter.resume(returning: Result { () throws(TapeFault) in try work(db) })
            }
        }.get()
    }

    /// Runs work on a reading connection, in one snapshot.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(TapeFault) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { waiter in
            self.pool.asyncRead { access in waiter.resume(returning: Result { try work(access.get()) }) }
        }
        do {
            return try result.get()
        } catch {
            throw self.failedRead(error)
        }
    }

    package func close() async {
        await self.secure()
        await offLoop {
            do {
                if self.files.mayCheckpoint() {
                    // Not left to SQLite, because the last connection to close may be a reader, which cannot
                    // checkpoint.
                    try self.pool.writeWithoutTransaction { db in
                        if unsafe db.sqliteConnection != nil { _ = try db.checkpoint(.truncate) }
                    }
                } else {
                    // An open reader prevents the writer from checkpointing when it closes.
                    try? self.pool.read { db in try db.execute(sql: "SELECT 1 FROM tape") }
                }
                try self.pool.close()
            } catch {
                // Nothing is lost: the next opening reads the WAL.
                self.logger.warning("tape not closed cleanly", metadata: ["error": "\(TapeFault(before: error))"])
            }
            self.files.note(last: self.known.withLock { $0.last })
            self.files.release()
        }
    }
}
