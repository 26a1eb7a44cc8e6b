// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// One channel that has subscribers on this node. It owns the channel's state and knows which loops follow it.
///
/// All channels share the executor of the ``TapeWriter``: the order of the log is one order, and the code that publishes
/// is in it already, so entering a channel costs no hop. Loops do not enter it to read: each has a copy of the state, in
/// its ``LocalChannel``.
package actor EventChannel: LoopActor {
    package nonisolated let name: ChannelName
    package nonisolated let type: EventType
    package nonisolated let encoder: FrameEncoder
    package nonisolated let loop: any EventLoop
    private let budget: RingBudget
    private var state = ChannelState()
    private var followers: [ChannelFollower] = []
    /// When the log was read last.
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

    /// What the channel holds; nil until it has been read from the log.
    package var extent: Extent? { self.state.extent }

    /// Whether any loop has subscribers.
    package var hasFollowers: Bool { !self.followers.isEmpty }

    // MARK: - Changes

    /// Events of this channel were committed: ascending, without a gap among them. A run that leaves a gap to the head is
    /// kept, and what was before it is dropped.
    /// - Returns: What the loops that follow are sent; nil when nothing is new or nobody follows.
    package func publish(_ entries: [TapeEntry]) -> Broadcast? {
        guard let run = self.encoder.run(entries), run.last > self.state.head else { return nil }
        return self.add(run, entries)
    }

    /// Another node announced events of this channel. Only what follows directly on the head is delivered: what another
    /// node says, or seems to say, moves no head beyond the log's.
    /// - Returns: What the loops that follow are sent, if anything, and whether the log has to be asked.
    package func receive(announced entries: [TapeEntry]) -> (broadcast: Broadcast?, isUnproven: Bool) {
        // It becomes part of frames as it is.
        guard entries.allSatisfy(\.hasCompactObject) else { return (nil, true) }
        guard let run = self.encoder.run(entries), run.last > self.state.head else { return (nil, false) }
        guard self.state.extent != nil, run.first <= self.state.head + 1 else { return (nil, true) }
        return (self.add(run, entries), false)
    }

    private func add(_ run: FrameRun, _ entries: [TapeEntry]) -> Broadcast? {
        let ringLimit = self.budget.isExceeded ? 0 : ChannelState.ringLimit
        return self.change(.events(run, entries, ringLimit: ringLimit))
    }

    /// The log has events up to a number, and no message announced them.
    /// - Returns: What the loops that follow are sent; nil when nothing is new.
    package func learned(head: Int) -> Broadcast? {
        guard self.state.extent != nil, head > self.state.head else { return nil }
        return self.change(.head(head))
    }

    /// The log was read. What was published since that read may go further, and is kept.
    package func opened(_ page: TapePage) {
        self.readAt = .now()
        if self.state.extent == nil || self.followers.isEmpty {
            self.account { $0.open(page) }
        } else {
            self.change(.newest(page))?.apply()
        }
    }

    /// Retention has removed what was before this number.
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

    // MARK: - ChannelFollowers

    /// From now on a loop is sent every change.
    /// - Parameters:
    ///   - wantsNewest: Whether a subscriber begins with a snapshot.
    ///   - trust: How long after the log was read the first follower may rely on it; nil without a limit.
    /// - Returns: The state that the changes follow on; nil when the log has to be read first.
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

/// A loop that follows a channel, and its copy of it.
package struct ChannelFollower: Sendable {
    /// The loop's number among the node's loops.
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

    /// One change for each loop.
    package var localChanges: [LocalChange] {
        self.followers.map { LocalChange(channel: $0.channel, change: self.change) }
    }

    /// Changes the loops' copies, where subscribers need nothing sent.
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
