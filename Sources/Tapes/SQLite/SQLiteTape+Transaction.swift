// SPDX-License-Identifier: Apache-2.0

import GRDB
import Hub
import Synchronization

extension SQLiteTape {
    /// One durable transaction, all of it or nothing.
    func transaction<Value>(
        _ db: Database,
        _ body: (inout Ledger) throws -> Value
    ) throws(TapeFault) -> Value {
        // A closed connection is a null pointer to SQLite.
        guard unsafe db.sqliteConnection != nil else { throw .unavailable("the tape is closed") }
        var ledger = self.ledger.withLock { $0.take() }
        let value: Value
        do {
            if db.isInsideTransaction { try db.rollback() }
            try db.beginTransaction(.immediate)
            value = try body(&ledger)
        } catch {
            try? db.rollback()
            throw TapeFault(before: error)
        }
        do {
            try db.commit()
        } catch {
            try? db.rollback()
            throw TapeFault(during: error)
        }
        ledger.trim()
        self.ledger.withLock { $0 = ledger }
        return value
    }
}
