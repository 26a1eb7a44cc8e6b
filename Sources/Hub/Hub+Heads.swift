// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import NIOCore
import Synchronization

/// How a node finds commits that were not announced to it.
extension Hub {
    /// Maximum number of channels in one read.
    private static let headsBatch = 1000

    /// Looks for unannounced commits until the task is cancelled: according to ``PollSchedule``, and on channels with a
    /// commit of unknown outcome. Only one round runs at a time, however slow the tape is.
    func watchHeads() async {
        let interval = min(self.configuration.pollWhileCut, self.configuration.shard.heartbeat)
        var schedule = PollSchedule(heartbeat: TimeAmount(self.configuration.shard.heartbeat), now: .now())
        var rotation = PollRotation(limit: self.configuration.pollChannels)
        while (try? await Task.sleep(for: interval)) != nil {
            await self.refreshDoubted()
            guard
                schedule.isDue(
                    at: .now(),
                    reach: self.bus.reach,
                    isShared: self.tape.isShared,
                    hasMissed: self.hasMissedMessages.exchange(false, ordering: .relaxed)
                )
            else { continue }
            let (channels, slices) = rotation.slice(of: await self.registry.followed) { $0.name.hashValue }
            if await self.refreshHeads(of: channels) { schedule.polled(slices: slices) }
        }
    }

    /// Reads the heads of channels for which another node announced events that do not directly follow the local head,
    /// until the task is cancelled.
    func followHints() async {
        while !Task.isCancelled {
            let channels = await self.registry.existing(self.hints.next())
            guard !channels.isEmpty else { continue }
            do throws(TapeFault) {
                // A channel that is being opened may have been read before the event arrived.
                try await self.reader.open(await self.registry.unread(among: channels))
            } catch {
                self.hasMissedMessages.store(true, ordering: .relaxed)
            }
            if !(await self.refreshHeads(of: channels)) { self.hasMissedMessages.store(true, ordering: .relaxed) }
        }
    }

    /// Compares the heads of all channels with subscribers to those on the tape, unless no other node writes to it.
    package func refreshHeads() async {
        guard self.mayBeBehind else { return }
        await self.refreshHeads(of: await self.registry.followed)
    }

    /// Reads the heads of channels with a commit of unknown outcome.
    package func refreshDoubted() async {
        guard self.monitor.hasDoubts else { return }
        let began = NIODeadline.now()
        let channels =
            if let names = self.monitor.uncertainChannels { await self.registry.existing(names) } else {
                await self.registry.followed
            }
        if await self.refreshHeads(of: channels) {
            self.monitor.settled(began: began)
        }
    }

    /// Whether the tape may contain commits of other nodes that this node does not know about.
    var mayBeBehind: Bool {
        self.tape.isShared || self.bus.reach != .alone
    }

    /// How long the state of a channel without subscribers remains valid, since such channels are not polled for
    /// commits of other nodes. Nil if no other process writes to the tape.
    var idleTrust: TimeAmount? {
        guard self.tape.isShared else { return nil }
        let heartbeat = self.configuration.shard.heartbeat
        return TimeAmount(
            self.bus.reach == .connected ? heartbeat : min(self.configuration.pollWhileCut, heartbeat)
        )
    }

    /// Reads the heads of channels now, because a client has seen later events on another node.
    /// - Returns: Whether the read succeeded.
    func learnHeads(of channels: [ChannelName]) async -> Bool {
        await self.refreshHeads(of: self.registry.existing(channels), exceptOwn: false)
    }

    /// - Parameter exceptOwn: Skips channels whose events the writer is about to publish. A commit is on the tape
    ///   before this node receives the result, and subscribers would read events that are about to be delivered anyway.
    /// - Returns: Whether all reads succeeded.
    @discardableResult
    private func refreshHeads(of channels: [EventChannel], exceptOwn: Bool = true) async -> Bool {
        for start in stride(from: 0, to: channels.count, by: Self.headsBatch) {
            let batch = channels[start..<min(start + Self.headsBatch, channels.count)]
            self.polledHeads.wrappingAdd(batch.count, ordering: .relaxed)
            do throws(TapeFault) {
                let extents = try await self.tape.extents(of: batch.map(\.name))
                let heads = batch.compactMap { channel in extents[channel.name].map { (channel, $0.head) } }
                let own = exceptOwn ? await self.writer.channelsUnderWay : []
                await self.fanout.learned(heads, except: own)
            } catch {
                if let failures = self.headsLog.withLock({ $0.happened(at: .now) }) {
                    self.logger.warning(
                        "heads could not be read",
                        metadata: ["fault": "\(error)", "failures": "\(failures)"]
                    )
                }
                return false
            }
        }
        return true
    }
}
