// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Logging
import Synchronization

extension PostgresTape {
    /// Removes expired events, by ``Settings/retention``; one hub at a time.
    ///
    /// Whole partitions are removed in short transactions, each of which leaves the tape consistent; after an
    /// interruption, the next call continues. The count returned for a partition is at most `limit`, so that the caller
    /// calls again; the exact count is logged.
    package func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        guard limit > 0 else { return 0 }
        do throws(PostgresFault) {
            switch self.settings.retention {
            case .row:
                return try await self.upkeep.perform { session throws(PostgresFault) in
                    try PostgresPrune(session: session, type: type).removeRows(before: time, limit: limit)
                }
            case .partition:
                return try await min(limit, self.dropPartition(of: type, before: time))
            }
        } catch {
            throw error.tapeFault
        }
    }

    private func dropPartition(of type: String, before time: Timestamp) async throws(PostgresFault) -> Int {
        let width = self.partitionWidth
        let ahead = self.memory.withLock { $0.clock?() }
        let partition = try await self.upkeep.perform { session throws(PostgresFault) in
            let prune = PostgresPrune(session: session, type: type)
            try prune.makeNext(width: width, now: ahead)
            return try prune.closeOldest(before: time)
        }
        guard let partition else { return 0 }
        var last = 0
        // All channels first: whether an event is still needed is known only after all of its channels are checked.
        repeat {
            last = try await self.upkeep.perform { [last] session throws(PostgresFault) in
                try PostgresPrune(session: session, type: type).keepNewest(of: partition, after: last)
            }
        } while last < .max
        var removed = 0
        last = 0
        repeat {
            let step = try await self.upkeep.perform { [last] session throws(PostgresFault) in
                try PostgresPrune(session: session, type: type).removeReceipts(of: partition, after: last)
            }
            last = step.last
            removed += step.removed
        } while last < .max
        try await self.upkeep.perform { session throws(PostgresFault) in
            let prune = PostgresPrune(session: session, type: type)
            try prune.drop(partition)
            try prune.removeSuperseded()
        }
        self.memory.withLock { $0.partitions.forget() }
        self.logger.info(
            "removed a partition",
            metadata: ["type": "\(type)", "table": "\(partition.table)", "events": "\(removed)"]
        )
        // At least one, so that the caller continues with the next partition.
        return max(1, removed)
    }
}
