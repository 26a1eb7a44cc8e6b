// SPDX-License-Identifier: Apache-2.0

import JSON

/// One event type of the memory tape: its channels, and its events in the order of retention.
///
/// Events wait in a queue. An event that is skipped as the newest of a slot leaves the queue and returns when it is
/// superseded, so that no event is checked twice.
struct MemoryType {
    let name: ExactText
    /// Indices in the tape's list of channels, by key.
    var places: [ExactText: Int] = [:]
    private var waiting = Line<Record>()
    /// Events that have returned; older than all in ``waiting``.
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
