// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore
import Synchronization

/// Tells the loops of committed events: one hop per loop and batch, however many channels and subscribers.
///
/// Used on the loop of the ``TapeWriter`` only.
final class Fanout: Sendable {
    private struct InFlight {
        var hops = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Batches that may be on their way to a loop at once, before the next commit waits.
    private let hopLimit: Int
    private let registry: ChannelRegistry
    private let rosters: [Roster]
    private let bus: any Bus
    private let tracing: Tracing?
    private let inFlight = Mutex(InFlight())

    init(registry: ChannelRegistry, rosters: [Roster], bus: any Bus, tracing: Tracing? = nil) {
        self.tracing = tracing
        self.registry = registry
        self.rosters = rosters
        self.bus = bus
        self.hopLimit = rosters.count * 2
    }

    /// Tells this node's subscribers and the other nodes.
    /// - Parameter time: When they were committed.
    func publish(_ commits: [Commit], time: NIODeadline) {
        guard !commits.isEmpty else { return }
        let publications = commits.compactMap { commit in
            self.registry.existing(commit.channel)?.assumeIsolated { $0.publish(commit.entries) }
        }
        self.tellSubscribers(publications, of: commits, time: time)
        self.bus.announce(commits)
    }

    /// Tells this node's subscribers what another node has told of, as far as it follows on what they have.
    /// - Returns: The channels whose heads have to be read: there is more, or seems to be.
    func hear(_ commits: [Commit]) -> [ChannelName] {
        var publications: [Publication] = []
        var unproven: [ChannelName] = []
        for commit in commits {
            guard let channel = self.registry.existing(commit.channel) else { continue }
            let (publication, isUnproven) = channel.assumeIsolated { $0.hear(commit.entries) }
            if let publication { publications.append(publication) }
            if isUnproven { unproven.append(commit.channel) }
        }
        self.tellSubscribers(publications, of: commits, time: .now())
        return unproven
    }

    private func tellSubscribers(_ publications: [Publication], of commits: [Commit], time: NIODeadline) {
        guard !publications.isEmpty else { return }
        var batch = CommittedBatch(time: time)
        if self.tracing != nil { batch.traces = Set(commits.lazy.flatMap(\.entries).compactMap(\.trace)) }
        var perLoop: [[Publication]] = Array(repeating: [], count: self.rosters.count)
        for publication in publications {
            for loop in publication.loops {
                perLoop[loop].append(publication)
            }
        }
        for (roster, publications) in zip(self.rosters, perLoop) where !publications.isEmpty {
            if roster.loop.inEventLoop {
                roster.assumeIsolated { $0.deliver(publications, of: batch) }
            } else {
                self.inFlight.withLock { $0.hops += 1 }
                roster.loop.execute { [batch] in
                    roster.assumeIsolated { $0.deliver(publications, of: batch) }
                    self.landed()
                }
            }
        }
    }

    /// Tells this node's subscribers of heads whose events were not told.
    func tellHeads(_ heads: [(channel: EventChannel, head: Int)]) {
        var perLoop: [[EventChannel]] = Array(repeating: [], count: self.rosters.count)
        for (channel, head) in heads {
            for loop in channel.assumeIsolated({ $0.learned(head: head) }) ?? [] {
                perLoop[loop].append(channel)
            }
        }
        for (roster, channels) in zip(self.rosters, perLoop) where !channels.isEmpty {
            roster.loop.execute {
                roster.assumeIsolated { $0.missed(on: channels) }
            }
        }
    }

    /// Whether a position is beyond what this node's subscribers were told.
    func isNews(_ position: Position) -> Bool {
        guard let head = self.registry.existing(position.channel)?.tail.extent?.head else { return false }
        return position.seq > head
    }

    private func landed() {
        let waiters = self.inFlight.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.hops -= 1
            guard state.hops < self.hopLimit else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters {
            waiter.resume()
        }
    }

    /// Returns once few enough batches are on their way.
    func waitForRoom() async {
        await withCheckedContinuation { continuation in
            let mustWait = self.inFlight.withLock { state in
                guard state.hops >= self.hopLimit else { return false }
                state.waiters.append(continuation)
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }
}
