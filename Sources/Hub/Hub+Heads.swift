// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import NIOCore
import Synchronization

/// How a node learns of commits that no message announced.
extension Hub {
    /// Channels asked after in one read.
    private static let headsBatch = 1000

    /// Looks for commits that no message announced until the task is cancelled: as ``PollSchedule`` says, and on channels
    /// where the outcome of a commit is unknown. One round at a time, however slow the tape is.
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

    /// Reads the heads of channels of which another node has said more than follows on what is known here, until the task
    /// is cancelled.
    func followHints() async {
        while !Task.isCancelled {
            let channels = await self.registry.existing(self.hints.next())
            guard !channels.isEmpty else { continue }
            do throws(TapeFault) {
                // One that is being opened may have been read before the event came.
                try await self.reader.open(await self.registry.unread(among: channels))
            } catch {
                self.hasMissedMessages.store(true, ordering: .relaxed)
            }
            if !(await self.refreshHeads(of: channels)) { self.hasMissedMessages.store(true, ordering: .relaxed) }
        }
    }

    /// Compares the heads of all channels that have subscribers with the tape's, unless no other node writes to it.
    package func refreshHeads() async {
        guard self.mayBeBehind else { return }
        await self.refreshHeads(of: await self.registry.followed)
    }

    /// Reads the heads of channels where the outcome of a commit is unknown.
    package func refreshDoubted() async {
        guard self.watch.hasDoubts else { return }
        let began = NIODeadline.now()
        let channels =
            if let names = self.watch.uncertainChannels { await self.registry.existing(names) } else {
                await self.registry.followed
            }
        if await self.refreshHeads(of: channels) {
            self.watch.settled(began: began)
        }
    }

    /// Whether the tape may hold commits of other nodes that this one does not know of.
    var mayBeBehind: Bool {
        self.tape.isShared || self.bus.reach != .alone
    }

    /// How long what is known of a channel without subscribers is relied on: nobody looks for what others commit to it.
    /// Nil where no other process writes to the tape.
    var idleTrust: TimeAmount? {
        guard self.tape.isShared else { return nil }
        let heartbeat = self.configuration.shard.heartbeat
        return TimeAmount(
            self.bus.reach == .connected ? heartbeat : min(self.configuration.pollWhileCut, heartbeat)
        )
    }

    /// Reads the heads of channels now: somebody has seen more of them elsewhere.
    /// - Returns: Whether the tape has answered.
    func learnHeads(of channels: [ChannelName]) async -> Bool {
        await self.refreshHeads(of: self.registry.existing(channels), exceptOwn: false)
    }

    /// - Parameter exceptOwn: Leaves out what the writer is about to tell: a commit is on the tape before this node has
    ///   its answer, and subscribers would read there what they are about to get.
    /// - Returns: Whether the tape has answered for all of them.
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
