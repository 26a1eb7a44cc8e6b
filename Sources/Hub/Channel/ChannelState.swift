// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
import JSON
package import NIOCore

/// The state of a channel on a node: the head, the newest frames, the newest entry of each slot. A value type.
///
/// The ``EventChannel`` owns the authoritative state. Each loop with subscribers has a copy that is kept equal by
/// applying the same changes in the same order, so reading it requires no lock.
package struct ChannelState: Sendable {
    /// Maximum size of the frames kept per channel, in bytes; the newest run is kept regardless of its size.
    package static let ringLimit = 128 * 1024

    /// A change of a channel; indirect, because a copy goes to every loop that follows.
    package indirect enum Change: Sendable {
        /// Consecutive events after the head. Older frames are dropped beyond `ringLimit` bytes.
        case events(FrameRun, [TapeEntry], ringLimit: Int)
        /// The head has risen, and the events are only in the log.
        case head(Int)
        /// Retention has removed the events before this number.
        case first(Int)
        /// The log was read while the channel had subscribers. This does not move the head; only events and heads do.
        case newest(TapePage)
    }

    /// Epoch and first number from the log; nil until the log has been read.
    private var opened: (epoch: String, first: Int)?
    package private(set) var head = 0
    private var ring = Deque<FrameRun>()
    package private(set) var ringBytes = 0
    /// The newest entry of each slot, ascending by `seq`; as many as the data has slots.
    package private(set) var newest: [TapeEntry] = []
    /// ``newest`` may lack entries up to this number, because events were missed.
    private var missedThrough = 0

    package init() {}

    /// The extent of the channel; nil until it has been read from the log.
    package var extent: Extent? {
        self.opened.map { Extent(epoch: $0.epoch, first: min($0.first, self.head + 1), head: self.head) }
    }

    /// Whether ``newest`` is complete.
    package var hasAllNewest: Bool {
        self.opened != nil && self.missedThrough == 0
    }

    package mutating func apply(_ change: Change) {
        let before = self.head
        defer { self.check(since: before) }
        switch change {
        case .events(let run, let entries, let ringLimit): self.add(run, entries, ringLimit: ringLimit)
        case .head(let head): self.learned(head: head)
        case .first(let first): self.pruned(first: first)
        case .newest(let page): self.remember(page)
        }
    }

    /// Applies what was read from the log, including the head: for a channel without subscribers.
    package mutating func open(_ page: TapePage) {
        self.opened = (page.extent.epoch, max(page.extent.first, self.opened?.first ?? 0))
        if page.extent.head > self.head {
            self.head = page.extent.head
            self.clearRing()
        }
        self.remember(page)
    }

    private mutating func add(_ run: FrameRun, _ entries: [TapeEntry], ringLimit: Int) {
        assert(run.last > self.head, "a run has new events")
        if run.first != self.head + 1 {
            // Readers find the gap and read it from the log.
            self.clearRing()
            self.missedThrough = run.first - 1
        }
        self.head = run.last
        self.ring.append(run)
        self.ringBytes += run.bytes.readableBytes
        while self.ringBytes > ringLimit, self.ring.count > 1, let oldest = self.ring.popFirst() {
            self.ringBytes -= oldest.bytes.readableBytes
        }
        for entry in entries { self.remember(entry) }
    }

    private mutating func learned(head: Int) {
        guard head > self.head else { return }
        self.clearRing()
        self.head = head
        self.missedThrough = head
    }

    private mutating func pruned(first: Int) {
        if let opened = self.opened { self.opened = (opened.epoch, max(opened.first, first)) }
    }

    private mutating func remember(_ page: TapePage) {
        for entry in page.entries { self.remember(entry) }
        if page.extent.head >= self.missedThrough { self.missedThrough = 0 }
    }

    private func check(since before: Int) {
        assert(self.head >= before, "a head never falls")
        assert(self.ring.last.map { $0.last == self.head } ?? true, "the newest frames end at the head")
        assert(self.ringBytes == self.ring.reduce(0) { $0 + $1.bytes.readableBytes }, "the ring's size is exact")
        assert(
            zip(self.newest, self.newest.dropFirst()).allSatisfy { $0.seq < $1.seq },
            "the newest entries are ascending"
        )
    }

    private mutating func clearRing() {
        self.ring.removeAll()
        self.ringBytes = 0
    }

    private mutating func remember(_ entry: TapeEntry) {
        if let index = self.newest.firstIndex(where: { $0.slot.hasSameBytes(as: entry.slot) }) {
            guard self.newest[index].seq < entry.seq else { return }
            if index == self.newest.count - 1 {
                self.newest[index] = entry
                return
            }
            self.newest.remove(at: index)
        }
        let place = self.newest.lastIndex { $0.seq < entry.seq }.map { $0 + 1 } ?? 0
        self.newest.insert(entry, at: place)
    }
}

// MARK: - Reading

extension ChannelState {
    /// The frames in memory after a number: the rest of the run that contains the next one.
    /// - Parameter compressed: See ``FrameRun/frames(from:compressed:)``.
    package func frames(after seq: Int, compressed: Bool = false) -> (bytes: ByteBuffer, last: Int)? {
        guard seq < self.head, let oldest = self.ring.first, seq + 1 >= oldest.first else { return nil }
        var low = 0
        var high = self.ring.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if self.ring[middle].first <= seq + 1 { low = middle } else { high = middle }
        }
        let run = self.ring[low]
        return run.frames(from: seq + 1, compressed: compressed).map { ($0, run.last) }
    }

    /// The newest entry of each slot from a number on, ascending; nil if some may be missing.
    package func newest(from seq: Int) -> [TapeEntry]? {
        seq > self.missedThrough ? self.newest.filter { $0.seq >= seq } : nil
    }
}
