// SPDX-License-Identifier: Apache-2.0

import Hub

/// One channel of the memory tape.
struct MemoryChannel {
    let name: ChannelName
    private(set) var head = 0
    /// The numbers `first ... head`.
    private var records = Line<Record>()
    /// The newest of each slot; may lie before ``first``.
    private(set) var newest: [ExactText: (seq: Int, record: Record)] = [:]

    init(name: ChannelName) {
        self.name = name
    }

    var first: Int {
        self.head - self.records.count + 1
    }

    /// About what it costs to hold without entries, in bytes.
    var cost: Int {
        2 * self.name.description.utf8.count + 400
    }

    /// Nil outside of `first ... head`.
    func record(at seq: Int) -> Record? {
        self.records[seq - self.first]
    }

    func isNewest(_ seq: Int, slot: ExactText) -> Bool {
        self.newest[slot]?.seq == seq
    }

    /// - Returns: The record that was the newest of the slot before.
    mutating func append(_ record: Record, slot: ExactText) -> Record? {
        self.head += 1
        self.records.append(record)
        return self.newest.updateValue((self.head, record), forKey: slot)?.record
    }

    /// Forgets a number and all before it, except what is the newest of another slot.
    mutating func remove(_ seq: Int, slot: ExactText) {
        while self.first <= seq, self.records.removeFirst() != nil {}
        if self.isNewest(seq, slot: slot) {
            self.newest[slot] = nil
        }
    }
}
