// SPDX-License-Identifier: Apache-2.0

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
