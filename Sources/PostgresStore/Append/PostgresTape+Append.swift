// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import NIOCore
import Synchronization

extension PostgresTape {
    /// Maximum number of attempts after conflicts with other nodes.
    private static let maxRaces = 20

    /// Appends in one transaction; retries after conflicts with other nodes.
    ///
    /// **If the connection is lost during the commit**, the batch may be stored or not. It is appended again on a new
    /// connection, which resolves the outcome in every case. The old transaction holds the locks on the channels' rows
    /// until it ends, even if its server process survives and commits later. The new transaction waits for these locks
    /// and reads the receipts afterwards, so it finds either the whole batch or nothing of it, and the batch is never
    /// stored twice. Events it finds are reported as accepted, since they have not been reported before. Only if the
    /// server cannot be reached for ``Settings/settling`` does the outcome remain unknown.
    package func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        guard !requests.isEmpty else { return [] }
        switch try await self.append(PostgresBatch(requests)) {
        case .outcomes(let outcomes): return outcomes
        case .moved: throw .damaged("an append without a step of a source found that it has moved")
        }
    }

    /// Final result of a batch.
    enum Settlement: Sendable {
        case outcomes([AppendOutcome])
        /// Its step does not follow the current state of the source; nothing was changed.
        case moved
    }

    func append(_ batch: PostgresBatch) async throws(TapeFault) -> Settlement {
        self.memory.withLock { $0.lost = [] }
        var settleBy: NIODeadline?
        var races = 0
        var isSecond = false
        while true {
            do throws(PostgresFault) {
                switch try await self.attempt(batch) {
                case .settled(let outcomes, let skipped):
                    self.skippedEntries.add(skipped, ordering: .relaxed)
                    return .outcomes(outcomes)
                case .moved: return .moved
                case .lacksPartitions(let types, let time): try await self.addPartitions(types, at: time)
                }
            } catch {
                let isUnknown = self.memory.withLock { $0.isCommitting }
                if isUnknown, settleBy == nil { settleBy = .now() + TimeAmount(self.settings.settling) }
                if case .lost = error {
                    if let settleBy {
                        guard NIODeadline.now() < settleBy else { throw .outcomeUnknown("\(error.tapeFault)") }
                        await self.appending.retry(after: .milliseconds(50))
                    } else {
                        // The server may have been restarted since the last append, so it is retried once on a new
                        // connection.
                        guard !isSecond, !self.appending.isDown else { throw error.tapeFault }
                        isSecond = true
                    }
                } else {
                    races += 1
                    guard error.isRace, races < Self.maxRaces else {
                        throw settleBy == nil ? error.storingFault : .outcomeUnknown("\(error.tapeFault)")
                    }
                    self.memory.withLock { $0.partitions.forget() }
                }
            }
        }
    }

    private func attempt(_ batch: PostgresBatch) async throws(PostgresFault) -> PostgresAppend.Ending {
        try await self.appending.perform { session throws(PostgresFault) in
            // Moved out, so that changes do not copy it.
            var memory = self.memory.withLock { $0.take() }
            defer { self.memory.withLock { $0 = memory } }
            return try PostgresAppend.run(batch, on: session, &memory)
        }
    }

    private func addPartitions(_ types: [String], at time: Timestamp) async throws(PostgresFault) {
        let width = self.partitionWidth
        let made = try await self.appending.perform { session throws(PostgresFault) in
            var made: [PostgresPartition] = []
            for type in types {
                made.append(try PostgresPartitions.ensure(session, type: type, at: time, width: width))
            }
            return made
        }
        self.memory.withLock { memory in
            for partition in made {
                memory.partitions.add(partition)
                // Later than requested if retention has already passed that time.
                memory.lastAccepted = max(memory.lastAccepted, Timestamp(nanoseconds: partition.starts))
            }
        }
    }

    /// In nanoseconds.
    var partitionWidth: Int64 {
        Int64(clamping: self.settings.partitionWidth / .nanoseconds(1), to: 1...Int64.max)
    }
}
