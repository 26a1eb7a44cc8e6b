// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
import NIOCore

/// Pages of replay that were read a moment ago: clients that come back together read the same events, each at its own
/// pace and each from its own number.
///
/// What stands under a number never changes, so a page stays true; only where its channel ends does not. Bounded in
/// bytes, the oldest goes first, and in time, so that what retention removes is not told for much longer. A channel that
/// is read in small pages, again and again, gets no more places than can be looked through.
struct PageCache {
    private struct Kept {
        let channel: ChannelName
        /// Of its channel's runs, the number that tells it apart.
        let first: Int
        let moment: NIODeadline
    }

    /// Runs of one channel; past it no more of them are kept.
    static let maxRuns = 64
    /// Of frames.
    let maxBytes: Int
    let maxAge: TimeAmount
    private(set) var bytes = 0
    private var runs: [ChannelName: [FrameRun]] = [:]
    /// Each run once, the oldest first.
    private var order = Deque<Kept>()

    init(maxBytes: Int, maxAge: TimeAmount = .seconds(10)) {
        self.maxBytes = maxBytes
        self.maxAge = maxAge
    }

    /// A run that has the event after a number.
    mutating func run(of channel: ChannelName, after seq: Int, now: NIODeadline) -> FrameRun? {
        while let oldest = self.order.first, oldest.moment < now - self.maxAge { self.forgetOldest() }
        return self.runs[channel]?.first { $0.first <= seq + 1 && seq < $0.last }
    }

    /// Keeps a run, unless one with the same beginning is there already or its channel has its share.
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
