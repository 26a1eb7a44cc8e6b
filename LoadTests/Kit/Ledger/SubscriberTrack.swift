// SPDX-License-Identifier: Apache-2.0

/// Which numbers of one channel one subscriber has got.
struct SubscriberTrack: Sendable, Equatable {
    /// The channel's place in the trace.
    let channel: Int
    private var start = -1
    /// The highest number received, the start while there is none.
    private(set) var last = 0
    /// The highest number received before the last delivery.
    private(set) var previous = 0
    /// How many numbers the last delivery replaced besides its own.
    private(set) var lastSkipped = 0
    /// Numbers that did not come before later ones, ascending.
    ///
    /// Empty unless something is wrong.
    private var missing: [Range<Int>] = []
    /// The highest number received of each of the values kept side by side; empty where there is only one.
    private var slots: [Int]

    init(channel: Int, slots: Int) {
        self.channel = channel
        self.slots = slots > 1 ? Array(repeating: 0, count: slots) : []
    }

    /// Whether the subscription has begun.
    var hasBegun: Bool { self.start >= 0 }

    mutating func begins(after head: Int) {
        self.start = max(0, head)
        self.last = self.start
    }

    mutating func receive(seq: Int, skipped: Int, slot: Int) -> Ledger.OnReceived {
        self.lastSkipped = 0
        self.previous = self.last
        guard seq > self.last else { return self.receiveOld(seq) }
        let unseen = seq - self.last - 1
        let conflated = min(skipped, unseen)
        self.lastSkipped = conflated
        let gap = self.last + 1..<seq - conflated
        self.last = seq
        if self.slots.indices.contains(slot) { self.slots[slot] = seq }
        guard !gap.isEmpty else { return .inOrder }
        self.missing.append(gap)
        return .ahead(missing: gap.count)
    }

    private mutating func receiveOld(_ seq: Int) -> Ledger.OnReceived {
        guard let index = self.missing.firstIndex(where: { $0.contains(seq) }) else { return .again }
        let gap = self.missing[index]
        let parts = [gap.lowerBound..<seq, seq + 1..<gap.upperBound].filter { !$0.isEmpty }
        self.missing.replaceSubrange(index...index, with: parts)
        return .late
    }

    /// How many numbers it had to get.
    func expected(upTo last: Int) -> Int {
        self.hasBegun ? max(0, last - self.start) : 0
    }

    /// How many numbers before the last one it did not get.
    var holes: Int { self.missing.reduce(0) { $0 + $1.count } }

    /// How many of them it did not get.
    func lost(upTo last: Int) -> Int {
        let holes = self.missing.reduce(0) { $0 + $1.clamped(to: 0..<last + 1).count }
        return holes + (self.hasBegun ? max(0, last - self.last) : 0)
    }

    /// How many of the values kept side by side have a newer one than it got.
    func staleSlots(newest: [Int]) -> Int {
        zip(self.slots, newest).count { got, newest in newest > self.start && got < newest && newest <= self.last }
    }
}
