// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
package import Logging
import Synchronization

/// A tape in one SQLite file, for one hub on one machine.
///
/// WAL with `synchronous = FULL`: what was reported as committed survives `kill -9` and power failure. Appends and
/// retention take turns on one connection, reads run beside them on others, each in its own snapshot.
package final class SQLiteTape: Tape {
    let pool: DatabasePool
    package let epoch: String
    /// The lock on the file makes this process the only one.
    package var isShared: Bool { false }
    let clock: @Sendable () -> Timestamp
    /// What the writing connection knows of the file.
    ///
    /// Whoever writes takes it out and puts it back after the commit, so that after a failure it is empty and read
    /// anew.
    let ledger = Mutex(Ledger())
    /// See ``Projections/skipped``.
    let skippedEntries = Atomic<Int>(0)
    let files: TapeFiles
    /// What this hub knows of the content, which nobody else is to change.
    let known: Mutex<KnownContent>
    /// Whether a commit has failed and no trial has succeeded since.
    let hasFailedCommit = Atomic<Bool>(false)
    let readLog = Mutex(SparseLog())
    let isToldOfLoss = Atomic<Bool>(false)
    let remarks = Mutex<Set<String>>([])
    let logger: Logger

    /// Opens the tape at a path, and makes it and its folder if there is none.
    ///
    /// Refused are: a file in use by another hub, one that is no tape, one of a newer version, and, unless migration
    /// is allowed, one of an older version.
    /// - Parameters:
    ///   - examines: Whether a damaged file is refused; otherwise ``damage()`` tells what is damaged.
    ///   - busyTimeout: How long to wait for other programs that have the file open, such as a backup.
    ///   - clock: Says when an event was accepted. A time before that of the last event counts as that one.
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

    /// Runs work on the writing connection, after the work before it.
    ///
    /// Does not listen to cancellation: a commit that has begun is waited for.
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
                    // Not left to SQLite: the last connection to close may be a reader, which cannot do it.
                    try self.pool.writeWithoutTransaction { db in
                        if unsafe db.sqliteConnection != nil { _ = try db.checkpoint(.truncate) }
                    }
                } else {
                    // A reader that is open keeps the writer from doing it when it closes.
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
