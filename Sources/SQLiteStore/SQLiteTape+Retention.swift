// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB

extension SQLiteTape {
    /// Events looked at in one transaction, so that appends have to wait for milliseconds only.
    static let pruneStep = 1000

    /// A transaction per ``pruneStep`` events looked at; each leaves the tape whole.
    ///
    /// An event passed over as the newest of a slot is not looked at again before it is superseded, so the work is
    /// bounded by what was appended.
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
