// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Hub
import Logging

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// How a file becomes a tape in use: made if missing, locked, recognised, brought to the schema, opened.
struct Opening: Sendable {
    let path: String
    var schema = Schema.current
    var allowMigration = false
    var busyTimeout = Duration.seconds(5)
    var logger = Logger(label: "tape") { _ in SwiftLogNoOpLogHandler() }
    /// Told how migrations go.
    var progress: SchemaAdvance.Tell = { _ in }

    /// What opening results in.
    struct Opened: Sendable {
        let lock: LockFile
        let pool: DatabasePool
        let epoch: String
        /// The schema version before.
        let found: Int
    }

    /// Blocks on I/O.
    ///
    /// What was opened closes by itself when this throws.
    func run() throws(TapeFault) -> Opened {
        let path = try self.place()
        let lock = try LockFile(forTapeAt: path)
        do {
            let found = try self.inspect(path)
            let pool = try self.pool(path)
            let epoch = try pool.writeWithoutTransaction { db in
                // GRDB chose NORMAL, which may lose the last commits with the power.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                if found < self.schema.version {
                    try self.schema.migrate(db, from: found, self.progress)
                    // Into the file itself, so that other tools see what it is.
                    _ = try db.checkpoint(.truncate)
                }
                return try String.fetchOne(db, sql: "SELECT value FROM tape WHERE name = 'epoch'")
            }
            guard let epoch else { throw TapeFault.damaged("the tape \(path) has lost its epoch") }
            self.logger.info(
                "tape opened",
                metadata: [
                    "path": "\(path)", "epoch": "\(epoch)",
                    "found_version": "\(found)", "version": "\(self.schema.version)",
                ]
            )
            return Opened(lock: lock, pool: pool, epoch: epoch, found: found)
        } catch {
            throw Self.fault(error, at: path)
        }
    }

    // MARK: The file

    /// Makes folder and file if they are missing, readable by the owner only, and says where the file really is.
    private func place() throws(TapeFault) -> String {
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
        // Never opened when it exists: closing it again would drop the locks that SQLite holds in this process
        // (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
        let descriptor = unsafe open(self.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            Self.sync(folder: folder.path)
            Self.sync(folder: folder.deletingLastPathComponent().path)
        } else if SystemError.current.code != EEXIST {
            throw .unavailable("cannot make \(self.path): \(SystemError.current)")
        }
        return URL(fileURLWithPath: self.path).resolvingSymlinksInPath().path
    }

    /// Makes new names in a folder last.
    ///
    /// What cannot be opened or synced is left to SQLite.
    private static func sync(folder: String) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    // MARK: The database

    /// Finds out what a file is without changing it: the schema version, 0 when it is empty.
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

    /// The schema version of the file, which must exist; 0 when it is empty. Blocks on I/O.
    func version() throws(TapeFault) -> Int {
        guard FileManager.default.fileExists(atPath: self.path) else {
            throw .unavailable("there is no tape \(self.path)")
        }
        do {
            return try self.version(at: self.path)
        } catch {
            throw Self.fault(error, at: self.path)
        }
    }

    private func version(at path: String) throws -> Int {
        var configuration = self.configuration
        configuration.readonly = true
        let database = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? database.close() }
        return try database.read { db in
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

    private func pool(_ path: String) throws -> DatabasePool {
        var configuration = self.configuration
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            if db.configuration.readonly {
                try db.execute(sql: "PRAGMA cache_size = -8192")
            } else {
                // Room for the pages that a batch over many channels touches.
                try db.execute(sql: "PRAGMA cache_size = -65536")
                // In pages. A longer WAL is copied back less often, and pages written over and over only once.
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 16384")
                try db.execute(sql: "PRAGMA journal_size_limit = 134217728")
            }
        }
        return try DatabasePool(path: path, configuration: configuration)
    }

    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "tape"
        configuration.busyMode = .timeout(self.busyTimeout / .seconds(1))
        configuration.foreignKeysEnabled = false
        // GRDB ends the process when a transaction stays open; ours are rolled back, at the latest before the next.
        configuration.allowsUnsafeTransactions = true
        return configuration
    }

    private static func fault(_ error: any Error, at path: String) -> TapeFault {
        if let error = error as? DatabaseError, error.resultCode == .SQLITE_NOTADB {
            return .damaged("\(path) is not an SQLite database")
        }
        switch TapeFault(before: error) {
        case .unavailable(let text) where !text.contains(path): return .unavailable("\(path): \(text)")
        case .damaged(let text) where !text.contains(path): return .damaged("\(path): \(text)")
        case let fault: return fault
        }
    }
}
