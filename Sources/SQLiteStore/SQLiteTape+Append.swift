// SPDX-License-Identifier: Apache-2.0

package import EventLog
import GRDB
import Synchronization

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
