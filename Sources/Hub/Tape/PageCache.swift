// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
import NIOCore

/// Recently read pages of history: clients that reconnect at the same time read the same events, each at its own pace
/// and from its own sequence number.
///
/// The event with a given number never changes, so a page remains valid; only the end of its channel changes. The cache
/// is limited in bytes, the oldest page is removed first, and in time, so that events removed by retention are not sent
/// for much longer. The number of pages per channel is limited too, so that a lookup stays fast when a channel is read
/// in small pages.
struct PageCache {
    private struct Kept {
        let channel: ChannelName
        /// The first sequence number of the run, which identifies it within its channel.
        let first: Int
        let moment: NIODeadline
    }

    /// Maximum number of runs per channel; further ones are not cached.
    static let maxRuns = 64
    /// Total size of the frames.
    let maxBytes: Int
    let maxAge: TimeAmount
    private(set) var bytes = 0
    private var runs: [ChannelName: [FrameRun]] = [:]
    /// Each run once, oldest first.
    private var order = Deque<Kept>()

    init(maxBytes: Int, maxAge: TimeAmount = .seconds(10)) {
        self.maxBytes = maxBytes
        self.maxAge = maxAge
    }

    /// A run that contains the event after a number.
    mutating func run(of channel: ChannelName, after seq: Int, now: NIODeadline) -> FrameRun? {
        while let oldest = self.order.first, oldest.moment < now - self.maxAge { self.forgetOldest() }
        return self.runs[channel]?.first { $0.first <= seq + 1 && seq < $0.last }
    }

    /// Caches a run, unless there is one with the same start or the channel has reached its limit.
    mutating func keep(_ run: FrameRun, of channel: ChannelName, now: NIODeadline) {
        guard run.bytes.readableBytes <= self.maxBytes else { return }
        let kept = self.runs[channel] ?? []
        guard kept.count < Self.maxRuns, !kept.contains(where: { $0.first == run.first }) else { return }
        self.runs[channel, default: []].append(run)
        self.order.append(Kept(channel: channel, first: run.first, moment: now))
        self.bytes += run.bytes.readableBytes
        while self.bytes > self.maxBytes { self.forgetOldest() }
    }

    private mutating func forgetOldest() {
        guard let kept = self.order.popFirst(), var runs = self.runs[kept.channel],
            let index = runs.firstIndex(where: { $0.first == kept.first })
        else { return }
        self.bytes -= runs.remove(at: index).bytes.readableBytes
        self.runs[kept.channel] = runs.isEmpty ? nil : runs
    }
}
