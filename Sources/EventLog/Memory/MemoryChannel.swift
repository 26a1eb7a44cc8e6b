// SPDX-License-Identifier: Apache-2.0

import JSON

/// One channel of the memory tape.
struct MemoryChannel {
    let name: ChannelName
    private(set) var head = 0
    /// The numbers `first ... head`.
    private var records = Line<Record>()
    /// The newest event without a slot; may be before ``first``, like those of ``slots``.
    private var plain: Newest?
    /// The newest event of each slot.
    private var slots: [ExactText: Newest] = [:]

    typealias Newest = (seq: Int, record: Record)

    init(name: ChannelName) {
        self.name = name
    }

    var first: Int {
        self.head - self.records.count + 1
    }

    /// Approximate memory cost without entries, in bytes.
    var cost: Int {
        2 * self.name.description.utf8.count + 400
    }

    /// Nil outside `first ... head`.
    func record(at seq: Int) -> Record? {
        self.records[seq - self.first]
    }

    /// The newest event of each slot, unordered.
    var newest: [Newest] {
        Array(self.slots.values) + (self.plain.map { [$0] } ?? [])
    }

    func isNewest(_ seq: Int, slot: String) -> Bool {
        seq == (slot.isEmpty ? self.plain : self.slots[ExactText(slot)])?.seq
    }

    /// - Returns: The previous newest record of the slot.
    mutating func append(_ record: Record) -> Record? {
        self.head += 1
        self.records.append(record)
        let newest = (self.head, record)
        if record.event.slot.isEmpty {
            defer { self.plain = newest }
            return self.plain?.record
        }
        return self.slots.updateValue(newest, forKey: ExactText(record.event.slot))?.record
    }

    /// Removes a number and all before it, except the newest of other slots.
    mutating func remove(_ seq: Int, slot: String) {
        while self.first <= seq, self.records.removeFirst() != nil {}
        guard self.isNewest(seq, slot: slot) else { return }
        if slot.isEmpty {
            self.plain = nil
        } else {
            self.slots[ExactText(slot)] = nil
        }
    }
}

/// A queue with random access: appends at the end and removes from the front in amortized constant time.
struct Line<Element> {
    /// Elements before ``start`` are removed and set to nil, so that they are released.
    private var storage: [Element?] = []
    private var start = 0

    var count: Int { self.storage.count - self.start }
    var isEmpty: Bool { self.count == 0 }
    var first: Element? { self.isEmpty ? nil : self.storage[self.start] }

    /// Nil outside the queue.
    subscript(index: Int) -> Element? {
        (0..<self.count).contains(index) ? self.storage[self.start + index] : nil
    }

    mutating func append(_ element: Element) {
        self.storage.append(element)
    }

    /// Takes linear time in the number of following elements.
    mutating func insert(_ element: Element, at index: Int) {
        self.storage.insert(element, at: self.start + index)
    }

    mutating func removeFirst() -> Element? {
        guard !self.isEmpty else { return nil }
        let element = self.storage[self.start].take()
        self.start += 1
        if self.start > 32, self.start > self.storage.count / 2 {
            self.storage.removeFirst(self.start)
            self.start = 0
        }
        return element
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        self.storage = self.storage[self.start...].filter { $0.map { !isUnwanted($0) } ?? false }
        self.start = 0
    }

    /// The first index whose element does not satisfy a condition that all elements before it satisfy.
    func partitioningIndex(where belongsBefore: (Element) -> Bool) -> Int {
        var range = 0..<self.count
        while !range.isEmpty {
            let middle = (range.lowerBound + range.upperBound) / 2
            let isBefore = self[middle].map(belongsBefore) ?? false
            range = isBefore ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}
