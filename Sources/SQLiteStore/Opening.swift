// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import GRDB
import Logging
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Opens a file as a tape: creates it if missing, then locks, identifies, checks, migrates and opens it.
struct Opening: Sendable {
    /// Maximum size of a file that is checked at every opening, in bytes: at most a second of startup if it is cached.
    static let examinedSize = 256 << 20

    let path: String
    var schema = Schema.current
    var allowMigration = false
    /// Whether the file is checked for damage.
    var examines = true
    var busyTimeout = Duration.seconds(5)
    var logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() }
    /// Receives the progress of migrations.
    var progress: SchemaAdvance.Tell = { _ in }

    /// Result of opening.
    struct Opened: Sendable {
        let files: TapeFiles
        let pool: DatabasePool
        let epoch: String
        /// Row of the newest event; 0 if there is none.
        let last: Int
    }

    /// Blocks on I/O.
    ///
    /// If this throws, all opened files are closed.
    func run() throws(TapeFault) -> Opened {
        let files = try self.place()
        let path = files.path
        do {
            let found = try self.inspect(path)
            let pool = try self.pool(files)
            let record = files.lockFile.found
            let (epoch, last) = try pool.writeWithoutTransaction { db in
                // GRDB's default is NORMAL, which may lose the last commits in a power failure.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                if self.examines { try self.examine(db, path, markUncertain: record.markUncertain) }
                if found < self.schema.version {
                    try self.schema.migrate(db, from: found, self.progress)
                    // Into the file itself, so that other tools can identify it.
                    _ = try db.checkpoint(.truncate)
                }
                let last = try Int.fetchOne(db, sql: "SELECT max(id) FROM events") ?? 0
                return (try self.epoch(db, path, last: last, record), last)
            }
            try self.openReaders(pool)
            try files.opened(epoch: epoch, last: last, markUncertain: self.examines ? nil : record.markUncertain)
            self.logger.info(
                "tape opened",
                metadata: [
                    "path": "\(path)", "epoch": "\(epoch)",
                    "found_version": "\(found)", "version": "\(self.schema.version)",
                ]
            )
            return Opened(files: files, pool: pool, epoch: epoch, last: last)
        } catch {
            throw Self.fault(error, at: path)
        }
    }

    /// The epoch of the tape. If committed events are missing, a new epoch begins, because other events will get their
    /// numbers.
    private func epoch(_ db: Database, _ path: String, last: Int, _ record: TapeRecord) throws -> String {
        guard let epoch = try String.fetchOne(db, sql: "SELECT value FROM tape WHERE name = 'epoch'") else {
            throw TapeFault.damaged("the tape \(path) has lost its epoch")
        }
        guard epoch == record.epoch, let known = record.last, last < known else { return epoch }
        let next = Epoch.random()
        try db.execute(sql: "UPDATE tape SET value = ? WHERE name = 'epoch'", arguments: [next])
        self.logger.error(
            "the tape is older than it was: events that were committed are missing, and a new epoch begins",
            metadata: [
                "path": "\(path)", "newest_event": "\(last)", "newest_event_before": "\(known)", "epoch": "\(next)",
                "epoch_before": "\(epoch)",
            ]
        )
        return next
    }

    // MARK: The file

    /// Creates folder and file if missing, readable by the owner only, resolves symbolic links and locks the file.
    private func place() throws(TapeFault) -> TapeFiles {
        let folder = URL(fileURLWithPath: self.path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw .unavailable("cannot make the folder \(folder.path): \(error.localizedDescription)")
        }
        let path = URL(fileURLWithPath: self.path).resolvingSymlinksInPath().path
        let lockFile = try LockFile(forTapeAt: path)
        let site = TapeSite(path: path)
        try site.recognise(lockFile.found)
        // Never opened if it exists: closing it would drop the locks that SQLite holds in this process
        // (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            Self.sync(folder: folder.path)
            Self.sync(folder: folder.deletingLastPathComponent().path)
        } else if SystemError.current.code != EEXIST {
            throw .unavailable("cannot make \(path): \(SystemError.current)")
        }
        return try TapeFiles(path: path, lockFile: lockFile)
    }

    /// Makes new names in a folder durable.
    ///
    /// Errors are ignored and left to SQLite.
    private static func sync(folder: String) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    /// Throws if the file is damaged. The whole file is checked if there is a doubt about it, and otherwise unless it
    /// is large.
    private func examine(_ db: Database, _ path: String, markUncertain: String?) throws {
        let size = (try? FileStatus(path: path).size) ?? 0
        guard markUncertain != nil || size <= Self.examinedSize else {
            return self.logger.info(
                "the tape is not examined for damage, as it is large; `broadtape verify` does that",
                metadata: ["path": "\(path)", "bytes": "\(size)"]
            )
        }
        let examination = Examination(db)
        guard let finding = try examination.findings(isThorough: markUncertain != nil, limit: 1).first else {
            guard let markUncertain else { return }
            return self.logger.warning(
                "the tape was examined and is whole",
                metadata: ["path": "\(path)", "why": "\(markUncertain)"]
            )
        }
        throw TapeFault.damaged(
            "the tape \(path) is damaged: \(finding)\(markUncertain.map { "; the hub before had noticed: \($0)" } ?? ""). "
                + "`broadtape verify` lists what is damaged; put a backup in place"
        )
    }

    // MARK: The database

    /// The schema version of a file, without changing it; 0 if it is empty.
    private func inspect(_ path: String) throws -> Int {
        let version = try self.version(at: path)
        let wanted = self.schema.version
        guard version <= wanted else {
            throw TapeFault.damaged(
                "the tape \(path) has schema version \(version), newer than this program's \(wanted)"
            )
        }
        guard version == 0 || version == wanted || self.allowMigration else {
            throw TapeFault.damaged(
                "the tape \(path) has schema version \(version), older than this program's \(wanted); "
                    + "migrate it with --migrate or `broadtape migrate up`"
            )
        }
        return version
    }

    /// The schema version of the file, which must exist; 0 if it is empty. Blocks on I/O.
    func version() throws(TapeFault) -> Int {
        guard FileManager.default.fileExists(atPath: self.path) else {
            throw .unavailable("there is no tape \(self.path)")
        }
        return try self.look { path in try self.version(at: path) }
    }

    /// Damage found in the file; nil if it is too large for a quick check. Blocks on I/O.
    ///
    /// Throws if ``run()`` would refuse the path.
    func damage() throws(TapeFault) -> [String]? {
        try self.look { path in
            let site = TapeSite(path: path)
            try site.recognise(site.record)
            guard FileManager.default.fileExists(atPath: path) else { return [] }
            guard try FileStatus(path: path).size <= Self.examinedSize else { return nil }
            return try self.reading(path) { db in
                try Examination(db).findings(isThorough: false, limit: Examination.limit)
            }
        }
    }

    private func look<Value>(_ work: (String) throws -> Value) throws(TapeFault) -> Value {
        do {
            return try work(URL(fileURLWithPath: self.path).resolvingSymlinksInPath().path)
        } catch {
            throw Self.fault(error, at: self.path)
        }
    }

    private func reading<Value>(_ path: String, _ work: (Database) throws -> Value) throws -> Value {
        var configuration = self.configuration
        configuration.readonly = true
        let database = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? database.close() }
        // Without a transaction, because its end would fail after damage is found.
        return try database.unsafeRead(work)
    }

    private func version(at path: String) throws -> Int {
        try self.reading(path) { db in
            let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            let objects = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
            if application == 0, version == 0, objects == 0 { return 0 }
            guard application == Schema.applicationID else {
                throw TapeFault.damaged("\(path) is a database of another program (application id \(application))")
            }
            return version
        }
    }

    private static let readers = 4

    /// Makes the pool open all its readers now instead of on first use, so that they continue to read the opened file
    /// even if its path leads to another file later.
    private func openReaders(_ pool: DatabasePool) throws {
        let (reading, isOpen) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let failure = Mutex<(any Error)?>(nil)
        for _ in 0..<Self.readers {
            pool.asyncRead { access in
                do { _ = try Int.fetchOne(access.get(), sql: "SELECT 1 FROM tape") } catch {
                    failure.withLock { $0 = error }
                }
                reading.signal()
                isOpen.wait()
            }
        }
        for _ in 0..<Self.readers { reading.wait() }
        for _ in 0..<Self.readers { isOpen.signal() }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func pool(_ files: TapeFiles) throws -> DatabasePool {
        var configuration = self.configuration
        configuration.maximumReaderCount = Self.readers
        configuration.prepareDatabase { db in
            if db.configuration.readonly {
                try files.checkName()
                try db.execute(sql: "PRAGMA cache_size = -8192")
            } else {
                // Enough for the pages that a batch over many channels touches.
                try db.execute(sql: "PRAGMA cache_size = -65536")
                // In pages. A longer WAL is checkpointed less often, and repeatedly written pages are copied only once.
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 16384")
                try db.execute(sql: "PRAGMA journal_size_limit = 134217728")
            }
        }
        return try DatabasePool(path: files.path, configuration: configuration)
    }

    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "tape"
        configuration.busyMode = .timeout(self.busyTimeout / .seconds(1))
        configuration.foreignKeysEnabled = false
        // GRDB ends the process if a transaction remains open; ours are rolled back before the next one at the latest.
        configuration.allowsUnsafeTransactions = true
        return configuration
    }

    private static func fault(_ error: any Error, at path: String) -> TapeFault {
        if let error = error as? DatabaseError, error.resultCode == .SQLITE_NOTADB {
            return .damaged("\(path) is not an SQLite database, or its beginning is damaged")
        }
        if let error = error as? DatabaseError, error.isDamage {
            return .damaged("\(path) is damaged: \(error.summary). Put a backup in place")
        }
        switch TapeFault(before: error) {
        case .unavailable(let text) where !text.contains(path): return .unavailable("\(path): \(text)")
        case .damaged(let text) where !text.contains(path): return .damaged("\(path): \(text)")
        case let fault: return fault
        }
    }
}
