// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore
import Synchronization

/// The channels that somebody looks at, by name; made on demand and given up when idle.
///
/// A channel that nobody looks at costs nothing here, however many stand on the tape.
package final class ChannelRegistry: Sendable {
    private final class Shard: Sendable {
        let channels = Mutex<[ChannelName: EventChannel]>([:])
    }

    private let shards = (0..<32).map { _ in Shard() }
    private let framing: Framing
    private let budget: RingBudget
    private let loop: any EventLoop

    /// - Parameter loop: Where channels live: the ``TapeWriter``'s.
    package init(framing: Framing, budget: RingBudget, loop: any EventLoop) {
        self.framing = framing
        self.budget = budget
        self.loop = loop
    }

    private func shard(of name: ChannelName) -> Shard {
        self.shards[Int(truncatingIfNeeded: UInt(bitPattern: name.hash) % UInt(self.shards.count))]
    }

    /// The channel, if somebody looks at it.
    package func existing(_ name: ChannelName) -> EventChannel? {
        self.shard(of: name).channels.withLock { $0[name] }
    }

    /// The channel, made if need be; a new one has to be opened before it can be joined.
    package func channel(_ name: ChannelName, type: EventType) -> EventChannel {
        self.shard(of: name).channels.withLock { channels in
            if let channel = channels[name] { return channel }
            let channel = EventChannel(
                name: name,
                type: type,
                framing: self.framing,
                budget: self.budget,
                loop: self.loop
            )
            channels[name] = channel
            return channel
        }
    }

    /// The channels in memory.
    package var channels: [EventChannel] {
        self.shards.flatMap { shard in shard.channels.withLock { Array($0.values) } }
    }

    /// The channels in memory of one type.
    package func channels(ofType type: String) -> [EventChannel] {
        self.channels.filter { $0.type.name == type }
    }

    /// Frames kept in memory by all channels, in bytes.
    package var ringBytes: Int {
        self.budget.usedBytes
    }

    /// How many channels are in memory.
    package var count: Int {
        self.shards.reduce(0) { sum, shard in sum + shard.channels.withLock(\.count) }
    }

    /// Gives up channels without subscribers.
    /// - Returns: How many.
    package func retireIdle() -> Int {
        self.shards.reduce(0) { sum, shard in
            sum
                + shard.channels.withLock { channels in
                    let before = channels.count
                    channels = channels.filter { !$0.value.tail.retire() }
                    return before - channels.count
                }
        }
    }
}
