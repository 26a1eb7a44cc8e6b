// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore

/// Which channels the loop follows: those with subscriptions, and those that a session is about to subscribe to.
///
/// The writer's loop responds with the channel's state and then sends every change over the same queue, so no event
/// between the state and the first change is missed.
extension SessionShard {
    /// How often reading a channel from the log is retried for one request; it may be removed or miss events meanwhile.
    private static let readAttempts = 3

    /// The loop's copy of a channel, if sessions can subscribe to it.
    func followed(_ wanted: WantedChannel) -> LocalChannel? {
        guard let local = self.channels[wanted.name], local.channel != nil,
            !wanted.wantsNewest || local.state.hasAllNewest
        else { return nil }
        return local
    }

    /// Follows channels without subscriptions on this loop, and reads them from the log if necessary. They are followed
    /// at least until ``release(_:)``.
    /// - Parameter trust: See ``EventChannel/follow(_:wantsNewest:trust:)``.
    func follow(_ wanted: [WantedChannel], trust: TimeAmount?) async throws(TapeFault) {
        for want in wanted { self.pin(want) }
        var rest = wanted
        var trust = trust
        for _ in 0...Self.readAttempts {
            rest.removeAll { self.followed($0) != nil }
            guard !rest.isEmpty else { return }
            let unread = await self.ask(for: rest, trust: trust)
            guard !unread.isEmpty else { return }
            try await self.reader.open(unread)
            trust = nil
        }
        throw .unavailable("the channel changes faster than it is read")
    }

    /// ``follow(_:trust:)`` on the writer's loop, without suspending.
    /// - Returns: Whether sessions can subscribe to all of them now. If so, they are followed at least until
    ///   ``release(_:)``.
    func followNow(_ wanted: [WantedChannel], trust: TimeAmount?) -> Bool {
        guard self.registry.loop.inEventLoop else { return false }
        self.leave()
        for want in wanted {
            let local = self.pin(want)
            guard self.followed(want) == nil else { continue }
            let follower = ChannelFollower(index: self.index, channel: NIOLoopBound(local, eventLoop: self.loop))
            let answer = self.registry.assumeIsolated { $0.follow(want, by: follower, trust: trust) }
            if case .following(let channel, let state) = answer { local.adopt(state, of: channel) }
        }
        if wanted.allSatisfy({ self.followed($0) != nil }) { return true }
        self.release(wanted.map(\.name))
        return false
    }

    /// The requesting session has subscribed, or has given up.
    func release(_ names: [ChannelName]) {
        for name in names {
            guard let local = self.channels[name] else { continue }
            local.waiting -= 1
            self.dropIfUnused(local)
        }
    }

    /// Stops following a channel without subscriptions.
    func dropIfUnused(_ local: LocalChannel) {
        guard local.isUnused, self.channels[local.name] === local else { return }
        self.channels[local.name] = nil
        guard let channel = local.channel else { return }
        self.left.append(channel)
        guard !self.isLeavingScheduled else { return }
        self.isLeavingScheduled = true
        self.execute { $0.leave() }
    }

    @discardableResult
    private func pin(_ wanted: WantedChannel) -> LocalChannel {
        let local = self.channels[wanted.name] ?? LocalChannel(name: wanted.name, type: wanted.type)
        self.channels[wanted.name] = local
        local.waiting += 1
        return local
    }

    /// - Returns: The channels that must be read from the log first.
    private func ask(for wanted: [WantedChannel], trust: TimeAmount?) async -> [EventChannel] {
        // If a channel was just left and is requested again, it must receive both calls in this order.
        self.leave()
        let asked = wanted.compactMap { want in
            self.channels[want.name].map { local in
                (want, ChannelFollower(index: self.index, channel: NIOLoopBound(local, eventLoop: self.loop)))
            }
        }
        return await withCheckedContinuation { continuation in
            self.registry.execute { registry in
                let answers = asked.map { ($1.channel, registry.follow($0, by: $1, trust: trust)) }
                self.executeNow { _ in
                    var unread: [EventChannel] = []
                    for (local, answer) in answers {
                        switch answer {
                        case .following(let channel, let state): local.value.adopt(state, of: channel)
                        case .unread(let channel): unread.append(channel)
                        }
                    }
                    continuation.resume(returning: unread)
                }
            }
        }
    }

    /// Unfollows the channels in ``left``, which no longer have subscribers on this loop.
    private func leave() {
        self.isLeavingScheduled = false
        guard !self.left.isEmpty else { return }
        let (channels, index) = (self.left, self.index)
        self.left = []
        self.registry.executeNow { _ in
            for channel in channels { channel.assumeIsolated { $0.unfollow(index: index) } }
        }
    }
}
