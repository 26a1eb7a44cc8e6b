// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore
import Synchronization

/// Sends changes of channels to the loops that follow them: one hop per loop and batch, however many channels and
/// subscribers. On the writer's loop.
actor Fanout: LoopActor {
    nonisolated let loop: any EventLoop
    /// Number of hops on their way, over all loops together, at which the next commit waits.
    private nonisolated let hopLimit: Int
    private nonisolated let hops = Atomic<Int>(0)
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private let registry: ChannelRegistry
    private let shards: [SessionShard]
    private let bus: any Bus
    private let tracing: Tracing?

    init(registry: ChannelRegistry, shards: [SessionShard], bus: any Bus, tracing: Tracing? = nil) {
        self.loop = registry.loop
        self.tracing = tracing
        self.registry = registry
        self.shards = shards
        self.bus = bus
        self.hopLimit = shards.count * 2
    }

    private func existing(_ name: ChannelName) -> EventChannel? {
        self.registry.assumeIsolated { $0.existing(name) }
    }

    /// Sends committed events to this node's subscribers, and announces them to the other nodes.
    /// - Parameter time: When they were committed.
    func publish(_ commits: [ChannelBatch], time: NIODeadline) {
        guard !commits.isEmpty else { return }
        let broadcasts = commits.compactMap { commit in
            self.existing(commit.channel)?.assumeIsolated { $0.publish(commit.entries) }
        }
        self.send(broadcasts, of: self.context(commits, time: time))
        self.bus.announce(commits)
    }

    /// Sends events announced by another node to this node's subscribers, if they directly follow the local head.
    /// - Returns: The channels whose heads must be read, because there are, or appear to be, more events.
    func receive(announced commits: [ChannelBatch]) -> [ChannelName] {
        var broadcasts: [Broadcast] = []
        var unproven: [ChannelName] = []
        for commit in commits {
            guard let channel = self.existing(commit.channel) else { continue }
            let (broadcast, isUnproven) = channel.assumeIsolated { $0.receive(announced: commit.entries) }
            if let broadcast { broadcasts.append(broadcast) }
            if isUnproven { unproven.append(commit.channel) }
        }
        self.send(broadcasts, of: self.context(commits, time: .now()))
        return unproven
    }

    /// Sends heads that have risen in the log without an announcement to this node's subscribers.
    /// - Parameter except: Channels whose events are about to be published by this node: a commit is in the log before
    ///   this node receives the result.
    func learned(_ heads: [(channel: EventChannel, head: Int)], except: Set<ChannelName> = []) {
        let broadcasts = heads.compactMap { channel, head in
            except.contains(channel.name) ? nil : channel.assumeIsolated { $0.learned(head: head) }
        }
        self.send(broadcasts, of: DeliveryContext())
    }

    private func context(_ commits: [ChannelBatch], time: NIODeadline) -> DeliveryContext {
        var context = DeliveryContext(time: time)
        if self.tracing != nil { context.traces = Set(commits.lazy.flatMap(\.entries).compactMap(\.trace)) }
        return context
    }

    private func send(_ broadcasts: [Broadcast], of context: DeliveryContext) {
        guard !broadcasts.isEmpty else { return }
        var perLoop: [[LocalChange]] = Array(repeating: [], count: self.shards.count)
        for broadcast in broadcasts {
            for follower in broadcast.followers {
                perLoop[follower.index].append(LocalChange(channel: follower.channel, change: broadcast.change))
            }
        }
        for (shard, changes) in zip(self.shards, perLoop) where !changes.isEmpty {
            if shard.loop.inEventLoop {
                shard.assumeIsolated { $0.deliver(changes, of: context) }
            } else {
                self.hops.wrappingAdd(1, ordering: .relaxed)
                shard.execute {
                    $0.deliver(changes, of: context)
                    self.arrived()
                }
            }
        }
    }

    /// Whether a position has not been sent to this node's subscribers yet.
    func isNews(_ position: Position) -> Bool {
        let extent = self.existing(position.channel)?.assumeIsolated { $0.extent }
        return extent.map { position.seq > $0.head } ?? false
    }

    private nonisolated func arrived() {
        let rest = self.hops.wrappingSubtract(1, ordering: .relaxed).newValue
        // Waiters check the count and register on this loop without suspending in between, so none is missed.
        if rest == self.hopLimit - 1 { self.execute { $0.resumeWaiters() } }
    }

    private func resumeWaiters() {
        let waiters = self.waiters
        self.waiters = []
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once the number of hops on their way is below the limit.
    func waitForRoom() async {
        guard self.hops.load(ordering: .relaxed) >= self.hopLimit else { return }
        await withCheckedContinuation { self.waiters.append($0) }
    }
}

/// A change of a channel for one loop.
package struct LocalChange: Sendable {
    package let channel: NIOLoopBound<LocalChannel>
    package let change: ChannelState.Change

    package init(channel: NIOLoopBound<LocalChannel>, change: ChannelState.Change) {
        self.channel = channel
        self.change = change
    }
}

/// Metadata of a batch of events on its way to the connections.
package struct DeliveryContext: Sendable {
    /// When it was committed, or when the announcement of another node was received.
    package var time: NIODeadline
    /// The traces of its events; empty unless traces are recorded.
    package var traces: Set<TraceContext>

    package init(time: NIODeadline = .now(), traces: Set<TraceContext> = []) {
        self.time = time
        self.traces = traces
    }
}
