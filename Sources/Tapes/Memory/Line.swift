// SPDX-License-Identifier: Apache-2.0

/// A queue that can be read at any place: appends at the end, drops from the front, both in constant time on average.
struct Line<Element> {
    private var storage: [Element?] = []
    private var start = 0

    var count: Int { self.storage.count - self.start }
    var isEmpty: Bool { self.count == 0 }
    var first: Element? { self.isEmpty ? nil : self.storage[self.start] }

    subscript(index: Int) -> Element? {
        self.storage[self.start + index]
    }

    mutating func append(_ element: Element) {
        self.storage.append(element)
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
}
