// SPDX-License-Identifier: Apache-2.0

import Hub

/// The order in which the memory tape forgets events.
///
/// An event waits in the line of its type. One that is passed over as the newest of a slot leaves the line, and comes
/// back when it is superseded, so that nothing is looked at twice.
struct Ageing {
    private struct Waiting {
        var line = Line<Record>()
        /// Came back; older than all in the line. Ascending by ordinal.
        var back = Line<Record>()

        var oldest: Record? { self.back.first ?? self.line.first }

        mutating func removeOldest() {
            if self.back.removeFirst() == nil { _ = self.line.removeFirst() }
        }

        mutating func putBack(_ record: Record) {
            self.back.insert(record, at: self.back.partitioningIndex { $0.ordinal < record.ordinal })
        }
    }

    private var types: [ExactText: Waiting] = [:]
    /// In the order in which they were passed over; may hold some that are not kept any more.
    private var kept = Line<Record>()
    private var keptCount = 0

    mutating func append(_ record: Record) {
        self.types[ExactText(record.event.type), default: Waiting()].line.append(record)
    }

    func oldest(of type: String) -> Record? {
        self.types[ExactText(type)]?.oldest
    }

    /// The oldest of all types; types are few.
    func oldest() -> Record? {
        self.types.values.compactMap(\.oldest).min { $0.ordinal < $1.ordinal }
    }

    mutating func removeOldest(of type: String) {
        self.types[ExactText(type)]?.removeOldest()
    }

    /// Takes a record that left its line as one to be kept.
    mutating func keep(_ record: Record) {
        record.standing = .kept
        self.kept.append(record)
        self.keptCount += 1
        if self.kept.count > 2 * self.keptCount + 64 {
            self.kept.removeAll { $0.standing != .kept }
        }
    }

    /// Lets a kept record wait again.
    mutating func putBack(_ record: Record) {
        record.standing = .ageing
        self.keptCount -= 1
        self.types[ExactText(record.event.type), default: Waiting()].putBack(record)
    }

    /// Takes out the kept record that was passed over first.
    mutating func removeKept() -> Record? {
        while let record = self.kept.removeFirst() {
            if record.standing == .kept {
                self.keptCount -= 1
                return record
            }
        }
        return nil
    }
}
