// SPDX-License-Identifier: Apache-2.0

import Dispatch
package import EventLog
import GRDB
import Synchronization

/// The content known to the writing connection between transactions.
struct KnownContent: Sendable {
    /// Changes when another connection has committed or checkpointed
    /// (https://www.sqlite.org/pragma.html#pragma_data_version).
    var version: Int?
    /// Row of the newest event.
    var last: Int
}

extension SQLiteTape {
    /// One durable, atomic transaction.
    ///
    /// When it returns, the commit is on disk in the file under the tape's name, which is checked again after the
    /// commit. If the check fails, the outcome is unknown, because the file may or may not be restored.
    /// - Parameter isStoring: Whether the written content may be the cause of a failure.
    func transaction<Value>(
        _ db: Database,
        isStoring: Bool = true,
        _ body: (inout AppendCache) throws -> Value
    ) throws(TapeFault) -> Value {
        // A closed connection is a null pointer in SQLite.
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

    /// A commit of another program invalidates the cache; one that has replaced the content ends the use of the tape.
    private func lookForStrangers(_ db: Database, _ ledger: inout AppendCache) throws {
        let version = try Query("PRAGMA data_version", in: db).first { Int(clamping: $0.int64(0)) }
        let known = self.known.withLock { known in
            defer { known.version = version }
            return known
        }
        guard let former = known.version, former != version else { return }
        ledger = AppendCache()
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

extension SQLiteTape {
    package func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        guard !requests.isEmpty else { return [] }
        return try await self.write { db throws(TapeFault) in
            try self.transaction(db) { ledger in
                var append = try Append(db, ledger: &ledger, epoch: self.epoch, now: self.clock())
                var outcomes: [AppendOutcome] = []
                outcomes.reserveCapacity(requests.count)
                for request in requests {
                    outcomes.append(try append.append(request, &ledger))
                }
                let skipped = try append.finish()
                if skipped > 0 { self.skippedEntries.add(skipped, ordering: .relaxed) }
                return outcomes
            }
        }
    }
}

/// Runs blocking work on a separate thread.
func offLoop<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    try await withCheckedContinuation { (waiter: CheckedContinuation<Result<Value, Failure>, Never>) in
        DispatchQueue.global().async {
            waiter.resume(returning: Result { () throws(Failure) in try work() })
        }
    }.get()
}
