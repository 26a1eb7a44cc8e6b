// SPDX-License-Identifier: Apache-2.0

import JSON
import Synchronization

/// A tape in memory, lost when the process exits: for benchmarks and trials.
///
/// Bounded in bytes. Above the budget it removes events with their numbers and deduplication keys: the oldest of the
/// whole tape first, the newest of each slot of each channel last. Channels are never removed, because their numbering
/// would start again. If channels alone fill the budget, appends are refused.
package final class MemoryTape: Tape {
    package let epoch: String
    package var isShared: Bool { false }
    private let store: Mutex<MemoryStore>
    let fanIn = Mutex(MemoryFanIn())
    let sources = Mutex<[ExactText: MemorySource]>([:])
    private let clock: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - budget: Memory of events and channels, in bytes.
    ///   - clock: Time of acceptance. A time before that of the last event is replaced by it.
    package init(budget: Int = 256 * 1024 * 1024, clock: @escaping @Sendable () -> Timestamp = { Timestamp.now }) {
        self.epoch = Epoch.random()
        self.store = Mutex(MemoryStore(epoch: self.epoch, budget: budget))
        self.clock = clock
    }

    package func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        try self.append(requests, now: self.now)
    }

    var now: Timestamp {
        self.clock()
    }

    func append(_ requests: [[Event]], now: Timestamp) throws(TapeFault) -> [AppendOutcome] {
        try self.store.withLock { store throws(TapeFault) in try store.append(requests, now: now) }
    }

    package func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
        self.store.withLock { store in
            Dictionary(channels.map { ($0, store.extent(of: $0)) }) { first, _ in first }
        }
    }

    package func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
        self.store.withLock { $0.page(of: channel, after: seq, limit: limit) }
    }

    package func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
        self.store.withLock { store in
            Dictionary(channels.map { ($0, store.latest(of: $0)) }) { first, _ in first }
        }
    }

    package func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) async throws(TapeFault) -> [ChannelListing] {
        self.store.withLock { $0.channels(withPrefix: prefix, after: name, limit: limit) }
    }

    package func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        self.store.withLock { $0.prune(type: type, acceptedBefore: time, limit: limit) }
    }

    /// Frees its memory.
    package func close() async {
        self.store.withLock { $0 = MemoryStore(epoch: self.epoch, budget: 0) }
    }
}
