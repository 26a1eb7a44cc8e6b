// SPDX-License-Identifier: Apache-2.0

/// What is known about the numbers of one channel: which event each was acknowledged for and delivered with.
struct ChannelRecord: Sendable {
    private enum Mark {
        static let unknown: Int32 = -1
        static let foreign: Int32 = -2
    }

    let mayConflate: Bool
    let slots: Int
    private(set) var epoch: String?
    /// The number before the first of ``acknowledged`` and ``delivered``.
    private var base = 0
    private var acknowledged: [Int32] = []
    private var delivered: [Int32] = []
    /// The highest number acknowledged, 0 while there is none.
    private(set) var lastAcknowledged = 0
    /// The highest acknowledged number of each of the values kept side by side, 0 while there is none.
    private(set) var newestOfSlots: [Int]

    init(mayConflate: Bool, slots: Int) {
        self.mayConflate = mayConflate
        self.slots = slots
        self.newestOfSlots = Array(repeating: 0, count: slots)
    }

    /// A subscriber begins after a number.
    mutating func begins(epoch: String, after head: Int) {
        self.epoch = epoch
        if self.acknowledged.isEmpty, self.delivered.isEmpty { self.base = head }
    }

    /// Notes a delivery; false if another event is known for the number.
    mutating func receive(seq: Int, _ claim: Ledger.Claim) -> Bool {
        // Numbers before the first subscriber's start are verified by the subscriber's track alone.
        guard let place = self.place(of: seq) else { return true }
        let mark: Int32 =
            switch claim {
            case .ours(let event): Int32(truncatingIfNeeded: event)
            case .foreign: Mark.foreign
            }
        Self.grow(&self.delivered, to: place)
        let (known, told) = (self.delivered[place], place < self.acknowledged.count ? self.acknowledged[place] : -1)
        if known == Mark.unknown { self.delivered[place] = mark }
        return (known == Mark.unknown || known == mark) && (told == Mark.unknown || told == mark)
    }

    enum OnAcknowledge: Equatable {
        case noted
        /// Acknowledged before, as for a duplicate.
        case known
        case contradicted
    }

    /// Notes an acknowledgement.
    mutating func acknowledge(_ event: Int, epoch: String, seq: Int, slot: Int) -> OnAcknowledge {
        guard epoch == self.epoch ?? epoch, let place = self.place(of: seq) else { return .contradicted }
        let mark = Int32(truncatingIfNeeded: event)
        Self.grow(&self.acknowledged, to: place)
        guard self.acknowledged[place] == Mark.unknown else {
            return self.acknowledged[place] == mark ? .known : .contradicted
        }
        self.acknowledged[place] = mark
        self.lastAcknowledged = max(self.lastAcknowledged, seq)
        if self.newestOfSlots.indices.contains(slot) {
            self.newestOfSlots[slot] = max(self.newestOfSlots[slot], seq)
        }
        guard place < self.delivered.count, self.delivered[place] != Mark.unknown else { return .noted }
        return self.delivered[place] == mark ? .noted : .contradicted
    }

    /// How many numbers were delivered with events of this run and never acknowledged.
    var unacknowledged: Int {
        self.delivered.enumerated().count { place, mark in
            mark >= 0 && (place >= self.acknowledged.count || self.acknowledged[place] == Mark.unknown)
        }
    }

    /// How many numbers were delivered with somebody else's events.
    var foreign: Int { self.delivered.count { $0 == Mark.foreign } }

    /// Longest run of numbers that is kept, so that a hub that counts wrongly cannot fill the memory.
    private static let limit = 50_000_000

    private func place(of seq: Int) -> Int? {
        let place = seq - self.base - 1
        return (0..<Self.limit).contains(place) ? place : nil
    }

    private static func grow(_ marks: inout [Int32], to place: Int) {
        while marks.count <= place { marks.append(Mark.unknown) }
    }
}
