// SPDX-License-Identifier: Apache-2.0

import JSON

/// One event type of the memory tape: its channels, and the order in which its events are forgotten.
///
/// An event waits in a line. One that is passed over as the newest of a slot leaves it, and comes back when it is
/// superseded, so that nothing is looked at twice.
struct MemoryType {
    let name: ExactText
    /// By key, places in the tape's list of channels.
    var places: [ExactText: Int] = [:]
    private var waiting = Line<Record>()
    /// Those that came back; older than all in ``waiting``.
    ///
    /// Ascending by ordinal.
    private var back = Line<Record>()

    init(name: ExactText) {
        self.name = name
    }

    var oldest: Record? {
        self.back.first ?? self.waiting.first
    }

    mutating func append(_ record: Record) {
        self.waiting.append(record)
    }

    mutating func removeOldest() {
        if self.back.removeFirst() == nil { _ = self.waiting.removeFirst() }
    }

    mutating func putBack(_ record: Record) {
        self.back.insert(record, at: self.back.partitioningIndex { $0.ordinal < record.ordinal })
    }
}
