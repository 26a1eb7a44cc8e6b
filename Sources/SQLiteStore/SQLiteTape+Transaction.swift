// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import Synchronization

/// What the writing connection knows of the content from one transaction to the next.
struct KnownContent: Sendable {
    /// Changes when another connection has committed or written the write-ahead log back
    /// (https://www.sqlite.org/pragma.html#pragma_data_version).
    var version: Int?
    /// The newest event, by its row.
    var last: Int
}

extension SQLiteTape {
    /// One durable transaction, all of it or nothing.
    ///
    /// When it returns, what was committed was on the disk in the file under the tape's name: the file is looked at
    /// again after the commit. Where that shows that it is not, the commit is in a file that may or may not come back.
    /// - Parameter isStoring: Whether the content of what is written may be at fault.
    func transaction<Value>(
        _ db: Database,
        isStoring: Bool = true,
        _ body: (inout Ledger) throws -> Value
    ) throws(TapeFault) -> Value {
        // A closed connection is a null pointer to SQLite.
        guard unsafe db.sqliteConnection != nil else { throw .unavailable("the tape is closed") }
        try self.files.check()
        var ledger = self.ledger.withLock { $0.take() }
        let value: Value
        do {
            if db.isInsideTransaction { try db.rollback() }
            try db.beginTransaction(.immediate)
            try self.lookForStrangers(db, &ledger)
            value = try body(&ledger)
        } catch {
            let meaning = isStoring ? TapeFault(storing: error) : TapeFault(before: error)
            let fault = self.failedWrite(error, meaning, db)
            try? db.rollback()
            throw fault
        }
        do {
            try db.commit()
        } catch {
            let fault = self.failedWrite(error, TapeFault(during: error), db)
            try? db.rollback()
            throw fault
        }
        do throws(TapeFault) { try self.files.check() } catch { throw .outcomeUnknown(error.explanation) }
        if let last = ledger.last?.event { self.known.withLock { $0.last = last } }
        ledger.trim()
        self.ledger.withLock { $0 = ledger }
        return value
    }

    /// Another program that has committed makes what is remembered worthless; one that has put other content in place
    /// ends the use of the tape.
    private func lookForStrangers(_ db: Database, _ ledger: inout Ledger) throws {
        let version = try Query("PRAGMA data_version", in: db).first { Int(clamping: $0.int64(0)) }
        let known = self.known.withLock { known in
            defer { known.version = version }
            return known
        }
        guard let former = known.version, former != version else { return }
        ledger = Ledger()
        let epoch = try Query("SELECT value FROM tape WHERE name = 'epoch'", in: db).first { $0.text(0) }
        guard epoch == self.epoch else {
            throw self.files.lose(.exchanged("its epoch was \(self.epoch) and is \(epoch ?? "missing")"))
        }
        let last = try AppendStatements(db).lastEvent().event
        guard last >= known.last else {
            throw self.files.lose(.exchanged("its newest event was number \(known.last) and is number \(last)"))
        }
    }
}
