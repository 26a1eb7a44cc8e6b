// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Foundation
import GRDB
import GRDBSQLite
import Logging
import Synchronization

/// Health of the tape, and actions after failures.
extension SQLiteTape {
    /// Writes different content each time, because SQLite does not write unchanged pages. As much as a batch may need,
    /// because a full disk often has room for one more page.
    private static let trial = "INSERT OR REPLACE INTO tape (name, value) VALUES ('trial', hex(randomblob(32768)))"
    private static let endOfTrial = "DELETE FROM tape WHERE name = 'trial'"

    /// Checks the files and reads from them. If the last commit failed, it also writes, because a file can still be
    /// read while its disk is full.
    package func probe() async throws(TapeFault) {
        do throws(TapeFault) {
            try await offLoop { () throws(TapeFault) in try self.files.check() }
        } catch {
            // The loss is reported first, because this may take long.
            if self.isToldOfLoss.exchange(true, ordering: .relaxed) { await self.secure() }
            throw error
        }
        self.isToldOfLoss.store(false, ordering: .relaxed)
        await offLoop { self.remark() }
        if self.hasFailedCommit.load(ordering: .relaxed) {
            for statement in [Self.trial, Self.endOfTrial] {
                try await self.write { db throws(TapeFault) in
                    try self.transaction(db) { _ in try Query(statement, in: db).run() }
                }
            }
            // Not after other commits: a small one may succeed where a batch does not.
            self.hasFailedCommit.store(false, ordering: .relaxed)
        } else {
            _ = try await self.extents(of: [ChannelName(type: "probe", key: "probe")])
        }
    }

    private func remark() {
        let now = Set(self.files.remarks())
        let new = self.remarks.withLock { remarks in
            defer { remarks = now }
            return now.subtracting(remarks)
        }
        for remark in new.sorted() { self.logger.warning("\(remark)") }
    }

    // MARK: Faults

    /// The fault of a failed read; damage is recorded permanently.
    func failedRead(_ error: any Error) -> TapeFault {
        let fault = self.named(TapeFault(before: error), error, because: nil)
        if !self.isClosed(error), let failures = self.readLog.withLock({ $0.happened(at: .now) }) {
            self.logger.error("reads failed", metadata: ["fault": "\(fault.explanation)", "reads": "\(failures)"])
        }
        return fault
    }

    private func isClosed(_ error: any Error) -> Bool {
        (error as? DatabaseError)?.resultCode == .SQLITE_MISUSE
    }

    /// The fault of a failed write; damage is recorded permanently.
    func failedWrite(_ error: any Error, _ fault: TapeFault, _ db: Database) -> TapeFault {
        // The tape is healthy then.
        if case .refused = fault { return fault }
        if error is DatabaseError { self.hasFailedCommit.store(true, ordering: .relaxed) }
        let cause = SystemError(code: unsafe sqlite3_system_errno(db.sqliteConnection))
        return self.named(fault, error, because: cause)
    }

    /// The fault with the name of the file and advice.
    private func named(_ fault: TapeFault, _ error: any Error, because cause: SystemError?) -> TapeFault {
        guard let error = error as? DatabaseError else { return fault }
        guard !error.isDamage else { return self.files.lose(.damaged(error.summary)) }
        let advice =
            switch error.resultCode {
            case .SQLITE_FULL: "the disk of \(self.files.path) is full; free some space, the hub recovers by itself"
            case .SQLITE_IOERR:
                "\(self.files.path) cannot be read or written (\(cause.map { "\($0)" } ?? "the disk fails")); the hub "
                    + "recovers by itself once it can"
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN:
                "\(self.files.path) or its folder cannot be written; check permissions and file system"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "another program has locked \(self.files.path)"
            default: "\(self.files.path)"
            }
        let text = "\(advice): \(error.summary)"
        return switch fault {
        case .unavailable: .unavailable(text)
        case .outcomeUnknown: .outcomeUnknown(text)
        case .damaged: .damaged(text)
        case .refused: fault
        }
    }

    // MARK: Saving

    /// Saves committed data so that it survives this process, as far as possible; once for each loss.
    func secure() async {
        guard let loss = self.files.unsecured else { return }
        let last = self.known.withLock { $0.last }
        await offLoop { self.files.note(last: last, markUncertain: loss.markUncertain) }
        var outcome = ""
        if await offLoop({ self.files.mayCheckpoint() }) {
            outcome = await self.secureContent(of: loss)
        }
        self.files.secured(loss, outcome)
        if !outcome.isEmpty { self.logger.error("\(outcome)", metadata: ["path": "\(self.files.path)"]) }
    }

    /// Checkpoints the write-ahead log into the open file, and copies that to a new file if it has no name.
    /// - Returns: A message for the operator.
    private func secureContent(of loss: TapeLoss) async -> String {
        do {
            try await self.write { db throws(TapeFault) in
                guard unsafe db.sqliteConnection != nil else { throw .unavailable("the tape is closed") }
                do { _ = try db.checkpoint(.truncate) } catch { throw TapeFault(before: error) }
            }
            guard case .deleted = loss else { return "" }
            let saved = try await self.write { db throws(TapeFault) in
                do { return try self.save(db) } catch { throw TapeFault(before: error) }
            }
            return "what was committed to the deleted file was saved to \(saved): stop the hub, rename that to "
                + "\(self.files.path), start again"
        } catch {
            return
                "what was committed could not be saved (\(error)): before this process ends, copy what it has open from "
                + "/proc/\(getpid())/fd"
        }
    }

    /// - Returns: The path of the saved database.
    private func save(_ db: Database) throws -> String {
        let path = try TapeSite(path: self.files.path).makeSaved(at: .now)
        let copy = try DatabaseQueue(path: path)
        defer { try? copy.close() }
        try copy.writeWithoutTransaction { try db.backup(to: $0) }
        return path
    }
}
