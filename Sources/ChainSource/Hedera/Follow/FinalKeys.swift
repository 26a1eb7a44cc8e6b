// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Keys of a contract's logs that were published as final, kept until their last reread.
///
/// Stored in buckets of a few hundred keys, one entry each, so that a step writes only what it changes.
struct FinalKeys: Sendable, Equatable {
    /// Maximum number of keys per bucket.
    static let bucketSize = 500

    /// Ascending, with no empty bucket; buckets are ascending and do not overlap.
    private var buckets: [[LogKey]] = []
    private(set) var count = 0

    /// - Parameter entries: Entries with names that end in ``entryName(_:)``.
    init(_ entries: some Sequence<SourceEntry>) throws(TapeFault) {
        for entry in entries {
            var bucket: [LogKey] = []
            for word in String(decoding: entry.value, as: UTF8.self).split(separator: " ") {
                let parts = word.split(separator: ":", omittingEmptySubsequences: false)
                guard parts.count == 2, let time = Int(decimal: parts[0], in: .unlimited), time >= 0,
                    let index = Int(decimal: parts[1], in: .seq)
                else {
                    throw .damaged("\(entry.name) of a mirror is malformed")
                }
                bucket.append(LogKey(ConsensusTime(nanoseconds: Int64(clamping: time)), index))
            }
            guard !bucket.isEmpty else { continue }
            self.buckets.append(bucket.sorted())
            self.count += bucket.count
        }
        self.buckets.sort { $0[0] < $1[0] }
    }

    init() {}

    func contains(_ key: LogKey) -> Bool {
        guard let place = self.bucket(of: key) else { return false }
        let bucket = self.buckets[place]
        let index = Self.firstIndex(of: key, in: bucket)
        return index < bucket.count && bucket[index] == key
    }

    /// Number of keys in a time range.
    func count(from start: ConsensusTime, before end: ConsensusTime) -> Int {
        guard start < end else { return 0 }
        return self.buckets.reduce(0) { sum, bucket in
            guard let last = bucket.last, bucket[0].time < end, last.time >= start else { return sum }
            return sum + Self.firstIndex(of: LogKey(end, 0), in: bucket)
                - Self.firstIndex(of: LogKey(start, 0), in: bucket)
        }
    }

    mutating func insert(_ key: LogKey, _ changes: inout EntryChanges) {
        // The last bucket that starts before the key, or the first one.
        let place = max(0, self.buckets.count { $0[0] <= key } - 1)
        guard self.buckets.indices.contains(place), self.buckets[place].count < Self.bucketSize else {
            return self.insertBucket(key, near: place, &changes)
        }
        let index = Self.firstIndex(of: key, in: self.buckets[place])
        if index == 0 { changes.remove(Self.entryName(self.buckets[place][0])) }
        self.buckets[place].insert(key, at: index)
        self.count += 1
        self.write(place, &changes)
    }

    /// The bucket is full, or there is none: adds a new one, or splits it.
    private mutating func insertBucket(_ key: LogKey, near place: Int, _ changes: inout EntryChanges) {
        guard let last = self.buckets.last?.last, key < last else {
            self.buckets.append([key])
            self.count += 1
            return self.write(self.buckets.count - 1, &changes)
        }
        let bucket = self.buckets[place]
        self.buckets[place] = Array(bucket[..<(bucket.count / 2)])
        self.buckets.insert(Array(bucket[(bucket.count / 2)...]), at: place + 1)
        self.write(place, &changes)
        self.write(place + 1, &changes)
        self.insert(key, &changes)
    }

    /// Drops the buckets that are entirely before a time.
    mutating func forget(before time: ConsensusTime, _ changes: inout EntryChanges) {
        while let first = self.buckets.first, let last = first.last, last.time < time {
            changes.remove(Self.entryName(first[0]))
            self.count -= first.count
            self.buckets.removeFirst()
        }
    }

    /// Drops the oldest bucket.
    /// - Returns: Time of its last log.
    mutating func forgetOldest(_ changes: inout EntryChanges) -> ConsensusTime? {
        guard let first = self.buckets.first else { return nil }
        changes.remove(Self.entryName(first[0]))
        self.count -= first.count
        self.buckets.removeFirst()
        return first.last?.time
    }

    private func write(_ place: Int, _ changes: inout EntryChanges) {
        let bucket = self.buckets[place]
        let text = bucket.map { "\($0.time.nanoseconds):\($0.index)" }.joined(separator: " ")
        changes.put(Self.entryName(bucket[0]), Array(text.utf8))
    }

    /// Named by the bucket's first key, which is unique because no key occurs twice.
    static func entryName(_ first: LogKey) -> String {
        "k/\(first.time.sortable).\(first.index)"
    }

    private func bucket(of key: LogKey) -> Int? {
        let place = self.buckets.count { $0[0] <= key } - 1
        return place >= 0 ? place : nil
    }

    /// Index of a key, or where it would be inserted.
    private static func firstIndex(of key: LogKey, in bucket: [LogKey]) -> Int {
        var (low, high) = (0, bucket.count)
        while low < high {
            let middle = (low + high) / 2
            if bucket[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
