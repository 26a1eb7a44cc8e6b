// SPDX-License-Identifier: Apache-2.0

/// Events that retention has skipped as the newest of a slot, in that order.
struct KeptRecords {
    /// May contain records that are no longer kept; they are removed when they are more than half.
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

    /// Returns a kept record to retention.
    mutating func release(_ record: Record) {
        record.standing = .waiting
        self.count -= 1
    }

    /// Removes the record that was skipped first.
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
