// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog

/// A queue of dead letters to be stored on the tape. When it is full, the oldest are dropped and counted.
package struct DeadLetterBuffer: Sendable {
    private var deadLetters = Deque<DeadLetter>()
    private var bytes = 0
    private let limit: Int
    private let byteLimit: Int
    /// Letters dropped because the queue was full, or because they cannot be stored.
    package private(set) var lost = 0

    /// - Parameters:
    ///   - limit: Maximum number of letters.
    ///   - byteLimit: Maximum total size of the payloads.
    package init(limit: Int, byteLimit: Int) {
        self.limit = limit
        self.byteLimit = byteLimit
    }

    package var count: Int {
        self.deadLetters.count
    }

    /// Adds a letter.
    package mutating func add(_ letter: DeadLetter) {
        self.deadLetters.append(letter)
        self.bytes += letter.payload.count
        self.dropOldest()
    }

    /// Removes and returns the oldest letters.
    package mutating func take(_ count: Int) -> [DeadLetter] {
        let taken = Array(self.deadLetters.prefix(count))
        self.deadLetters.removeFirst(taken.count)
        self.bytes -= taken.reduce(0) { $0 + $1.payload.count }
        return taken
    }

    /// Returns letters that could not be stored to the front of the queue.
    package mutating func putBack(_ deadLetters: [DeadLetter]) {
        self.deadLetters.prepend(contentsOf: deadLetters)
        self.bytes += deadLetters.reduce(0) { $0 + $1.payload.count }
        self.dropOldest()
    }

    /// Counts letters that were taken and cannot be stored.
    package mutating func lose(_ count: Int) {
        self.lost += count
    }

    private mutating func dropOldest() {
        while self.deadLetters.count > self.limit || self.bytes > self.byteLimit,
            let oldest = self.deadLetters.popFirst()
        {
            self.bytes -= oldest.payload.count
            self.lost += 1
        }
    }
}
