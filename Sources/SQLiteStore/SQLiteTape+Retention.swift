// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB

extension SQLiteTape {
    /// Events checked in one transaction, so that appends wait only for milliseconds.
    static let pruneStep = 1000

    /// Uses one transaction per ``pruneStep`` checked events; each leaves the tape consistent.
    ///
    /// An event skipped as the newest of a slot is not checked again until it is superseded, so the work is bounded by
    /// the number of appended events.
    package func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        var removed = 0
        while removed < limit {
            let step = min(limit - removed, Self.pruneStep)
            let pass = try await self.write { db throws(TapeFault) in
                try self.transaction(db, isStoring: false) { ledger in
                    try Prune(db, type: type)?.run(acceptedBefore: time, limit: step, &ledger)
                }
            }
            removed += pass?.removed ?? 0
            guard let pass, pass.hasMore else { break }
        }
        return removed
    }
}
