// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore
import Synchronization

/// The channels with subscribers on this node, by name: created on demand, removed when idle. On the writer's loop.
///
/// Channels without subscribers use no memory here, however many the log contains.
package actor ChannelRegistry: LoopActor {
    package nonisolated let loop: any EventLoop
    private let framing: Framing
    private nonisolated let budget: RingBudget
    private nonisolated let size = Atomic<Int>(0)
    private var channels: [ChannelName: EventChannel] = [:]

    /// - Parameter loop: The event loop of the channels, which is that of the ``TapeWriter``.
    package init(framing: Framing, budget: RingBudget, loop: any EventLoop) {
        self.framing = framing
        self.budget = budget
        self.loop = loop
    }

    /// Number of channels in memory.
    package nonisolated var count: Int {
        self.size.load(ordering: .relaxed)
    }

    /// Frames kept in memory by all channels, in bytes.
    package nonisolated var ringBytes: Int {
        self.budget.usedBytes
    }

    /// The channel, if it is in memory.
    package func existing(_ name: ChannelName) -> EventChannel? {
        self.channels[name]
    }

    package func existing(_ names: some Sequence<ChannelName> & Sendable) -> [EventChannel] {
        names.compactMap { self.channels[$0] }
    }

    /// The channel, created if necessary; a new channel must be read from the log before it can be followed.
    package func channel(_ name: ChannelName, type: EventType) -> EventChannel {
        if let channel = self.channels[name] { return channel }
        let channel = EventChannel(
            name: name,
            type: type,
            framing: self.framing,
            budget: self.budget,
            loop: self.loop
        )
        self.channels[name] = channel
        self.size.store(self.channels.count, ordering: .relaxed)
        return channel
    }

    /// The channels in memory of one type.
    package func channels(ofType type: String) -> [EventChannel] {
        self.channels.values.filter { $0.type.name == type }
    }

    /// The channels that have subscribers.
    package var followed: [EventChannel] {
        self.channels.values.filter { $0.assumeIsolated { $0.hasFollowers } }
    }

    /// The channels that have not been read from the log yet.
    package func unread(among channels: [EventChannel]) -> [EventChannel] {
        channels.filter { $0.assumeIsolated { $0.extent == nil } }
    }

    /// The log was read.
    package func opened(_ pages: [(channel: EventChannel, page: TapePage)]) {
        for (channel, page) in pages { channel.assumeIsolated { $0.opened(page) } }
    }

    /// Retention has removed events.
    package func pruned(_ channels: [EventChannel], to extents: [ChannelName: Extent]) {
        for channel in channels {
            guard let first = extents[channel.name]?.first else { continue }
            channel.assumeIsolated { $0.pruned(first: first) }
        }
    }

    /// The result of a loop's request to follow a channel.
    package enum OnFollow: Sendable {
        case following(EventChannel, ChannelState)
        /// The channel must be read from the log first.
        case unread(EventChannel)
    }

    /// See ``EventChannel/follow(_:wantsNewest:trust:)``.
    package func follow(_ wanted: WantedChannel, by follower: ChannelFollower, trust: TimeAmount?) -> OnFollow {
        let channel = self.channel(wanted.name, type: wanted.type)
        let state = channel.assumeIsolated {
            $0.follow(follower, wantsNewest: wanted.wantsNewest, trust: trust)
        }
        return state.map { .following(channel, $0) } ?? .unread(channel)
    }

    /// Removes channels without subscribers.
    /// - Returns: The number of removed channels.
    package func removeIdle() -> Int {
        let before = self.channels.count
        self.channels = self.channels.filter { $0.value.assumeIsolated { $0.hasFollowers } }
        self.size.store(self.channels.count, ordering: .relaxed)
        return before - self.channels.count
    }
}

/// A channel that a loop is about to follow.
package struct WantedChannel: Sendable {
    package var name: ChannelName
    package var type: EventType
    /// Whether a subscriber starts with a snapshot.
    package var wantsNewest: Bool

    package init(name: ChannelName, type: EventType, wantsNewest: Bool) {
        self.name = name
        self.type = type
        self.wantsNewest = wantsNewest
    }
}
