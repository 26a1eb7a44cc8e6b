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
