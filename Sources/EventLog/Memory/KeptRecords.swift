// SPDX-License-Identifier: Apache-2.0

/// The events that were passed over as the newest of a slot, in the order in which they were.
struct KeptRecords {
    /// May hold some that are not kept any more; they go when they are more than half.
    private var line = Line<Record>()
    private var count = 0

    mutating func append(_ record: Record) {
        record.standing = .kept
        self.line.append(record)
        self.count += 1
        if self.line.count > 2 * self.count + 64 {
            self.line.removeAll { $0.standing != .kept }
        }
    }

    /// Lets a kept record wait again.
    mutating func release(_ record: Record) {
        record.standing = .waiting
        self.count -= 1
    }

    /// Takes out the one that was passed over first.
    mutating func removeFirst() -> Record? {
        while let record = self.line.removeFirst() {
            if record.standing == .kept {
                self.count -= 1
                return record
            }
        }
        return nil
    }
}
