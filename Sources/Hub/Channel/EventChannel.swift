// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// One channel with subscribers on this node. It owns the channel's state and knows which loops follow it.
///
/// All channels share the executor of the ``TapeWriter``: the log has a single order, and publishing already runs on
/// this executor, so calling a channel requires no hop. Loops do not call it to read: each has a copy of the state in
/// its ``LocalChannel``.
package actor EventChannel: LoopActor {
    package nonisolated let name: ChannelName
    package nonisolated let type: EventType
    package nonisolated let encoder: FrameEncoder
    package nonisolated let loop: any EventLoop
    private let budget: RingBudget
    private var state = ChannelState()
    private var followers: [ChannelFollower] = []
    /// When the log was last read.
    private var readAt = NIODeadline.distantPast

    package init(name: ChannelName, type: EventType, framing: Framing, budget: RingBudget, loop: any EventLoop) {
        self.name = name
        self.type = type
        self.encoder = FrameEncoder(channel: name, framing: framing, budget: budget)
        self.budget = budget
        self.loop = loop
    }

    deinit {
        self.budget.add(-self.state.ringBytes)
    }

    /// The extent of the channel; nil until it has been read from the log.
    package var extent: Extent? { self.state.extent }

    /// Whether any loop has subscribers.
    package var hasFollowers: Bool { !self.followers.isEmpty }

    // MARK: - Changes

    /// Events of this channel were committed. They are consecutive. If there is a gap between the head and the first
    /// event, they are kept and all older frames are dropped.
    /// - Returns: The change to send to the followers; nil if nothing is new or there are no followers.
    package func publish(_ entries: [TapeEntry]) -> Broadcast? {
        assert(entries.areConsecutive, "committed events of a channel have no gaps")
        guard let run = self.encoder.run(entries), run.last > self.state.head else { return nil }
        return self.add(run, entries)
    }

    /// Another node announced events of this channel. Only events that directly follow the head are delivered: an
    /// announcement alone, which may be wrong or forged, must not move the head beyond that of the log.
    /// - Returns: The change to send to the followers, if any, and whether the log must be read.
    package func receive(announced entries: [TapeEntry]) -> (broadcast: Broadcast?, isUnproven: Bool) {
        // The JSON becomes part of frames unchanged.
        guard entries.allSatisfy(\.hasCompactObject) else { return (nil, true) }
        guard let run = self.encoder.run(entries), run.last > self.state.head else { return (nil, false) }
        guard self.state.extent != nil, run.first <= self.state.head + 1 else { return (nil, true) }
        return (self.add(run, entries), false)
    }

    private func add(_ run: FrameRun, _ entries: [TapeEntry]) -> Broadcast? {
        let ringLimit = self.budget.isExceeded ? 0 : ChannelState.ringLimit
        return self.change(.events(run, entries, ringLimit: ringLimit))
    }

    /// The log has events up to a number, and they were not announced.
    /// - Returns: The change to send to the followers; nil if nothing is new or there are no followers.
    package func learned(head: Int) -> Broadcast? {
        guard self.state.extent != nil, head > self.state.head else { return nil }
        return self.change(.head(head))
    }

    /// The log was read. Events published since that read are kept.
    package func opened(_ page: TapePage) {
        self.readAt = .now()
        if self.state.extent == nil || self.followers.isEmpty {
            self.account { $0.open(page) }
        } else {
            self.change(.newest(page))?.apply()
        }
    }

    /// Retention has removed the events before this number.
    package func pruned(first: Int) {
        self.change(.first(first))?.apply()
    }

    private func change(_ change: ChannelState.Change) -> Broadcast? {
        self.account { $0.apply(change) }
        return self.followers.isEmpty ? nil : Broadcast(change: change, followers: self.followers)
    }

    private func account(_ change: (inout ChannelState) -> Void) {
        let before = self.state.ringBytes
        change(&self.state)
        self.budget.add(self.state.ringBytes - before)
    }

    // MARK: - Followers

    /// Adds a follower: from now on, every change is sent to this loop.
    /// - Parameters:
    ///   - wantsNewest: Whether a subscriber starts with a snapshot.
    ///   - trust: For the first follower: how long the state remains valid after the log was read; nil for no limit.
    /// - Returns: The state to which the changes are applied; nil if the log must be read first.
    package func follow(_ follower: ChannelFollower, wantsNewest: Bool, trust: TimeAmount?) -> ChannelState? {
        if let trust, self.followers.isEmpty, NIODeadline.now() - self.readAt >= trust { return nil }
        guard self.state.extent != nil, !wantsNewest || self.state.hasAllNewest else { return nil }
        if !self.followers.contains(where: { $0.index == follower.index }) { self.followers.append(follower) }
        return self.state
    }

    /// A loop has lost its last subscriber.
    package func unfollow(index: Int) {
        self.followers.removeAll { $0.index == index }
    }
}

/// A loop that follows a channel, and the loop's copy of the channel.
package struct ChannelFollower: Sendable {
    /// The index of the loop.
    package let index: Int
    package let channel: NIOLoopBound<LocalChannel>

    package init(index: Int, channel: NIOLoopBound<LocalChannel>) {
        self.index = index
        self.channel = channel
    }
}

/// A change of a channel on its way to the loops that follow it.
package struct Broadcast: Sendable {
    package let change: ChannelState.Change
    package let followers: [ChannelFollower]

    /// The change for each loop.
    package var localChanges: [LocalChange] {
        self.followers.map { LocalChange(channel: $0.channel, change: self.change) }
    }

    /// Applies a change to the loops' copies; nothing is sent to subscribers.
    fileprivate func apply() {
        for follower in self.followers {
            let (channel, change) = (follower.channel, self.change)
            if channel.eventLoop.inEventLoop {
                channel.value.state.apply(change)
            } else {
                channel.eventLoop.execute { channel.value.state.apply(change) }
            }
        }
    }
}
