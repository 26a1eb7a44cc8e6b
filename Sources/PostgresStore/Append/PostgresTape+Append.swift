// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import NIOCore
import Synchronization

extension PostgresTape {
    /// Attempts when other nodes keep getting in the way.
    private static let maxRaces = 20

    /// Appends in one transaction, again when another node was in the way.
    ///
    /// **When the connection is lost during the commit**, the batch may stand or not. It is appended again on a new
    /// connection, which settles it whatever has become of the old one. The old transaction holds the locks on the
    /// channels' rows until it has ended, also when its server process lives on and commits only later: the new
    /// transaction waits for them, and looks for the receipts after that. So it finds either all of the batch or
    /// nothing of it, and never both appends it. What it finds is told as accepted, since nobody has been told yet.
    /// Only when the server cannot be reached for ``Settings/settling`` is the outcome left open.
    package func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        guard !requests.isEmpty else { return [] }
        switch try await self.append(PostgresBatch(requests)) {
        case .outcomes(let outcomes): return outcomes
        case .moved: throw .damaged("an append without a step of a source found that it has moved")
        }
    }

    /// What became of a batch, for good.
    enum Settlement: Sendable {
        case outcomes([AppendOutcome])
        /// Its source's step does not follow from where the source is; nothing was changed.
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
                        // The server may have been restarted since the last append: once more, on a new connection.
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
            // Taken out, so that it is not copied when it changes.
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
                // Later than asked for when retention has passed that time already.
                memory.lastAccepted = max(memory.lastAccepted, Timestamp(nanoseconds: partition.starts))
            }
        }
    }

    /// In nanoseconds.
    var partitionWidth: Int64 {
        Int64(clamping: self.settings.partitionWidth / .nanoseconds(1), to: 1...Int64.max)
    }
}
