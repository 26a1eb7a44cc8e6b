// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog

/// Dead letters on their way to the tape: when there are too many, the oldest are lost and counted.
package struct LetterBox: Sendable {
    private var letters = Deque<DeadLetter>()
    private var bytes = 0
    private let limit: Int
    private let byteLimit: Int
    /// Letters lost for lack of room, or because they cannot be kept.
    package private(set) var lost = 0

    /// - Parameters:
    ///   - limit: Most letters.
    ///   - byteLimit: Most bytes of payload.
    package init(limit: Int, byteLimit: Int) {
        self.limit = limit
        self.byteLimit = byteLimit
    }

    package var count: Int {
        self.letters.count
    }

    /// Takes a letter in.
    package mutating func add(_ letter: DeadLetter) {
        self.letters.append(letter)
        self.bytes += letter.payload.count
        self.dropOldest()
    }

    /// The oldest letters, which are on their way from now on.
    package mutating func take(_ count: Int) -> [DeadLetter] {
        let taken = Array(self.letters.prefix(count))
        self.letters.removeFirst(taken.count)
        self.bytes -= taken.reduce(0) { $0 + $1.payload.count }
        return taken
    }

    /// Letters that were taken could not be delivered; they are the oldest again.
    package mutating func putBack(_ letters: [DeadLetter]) {
        self.letters.prepend(contentsOf: letters)
        self.bytes += letters.reduce(0) { $0 + $1.payload.count }
        self.dropOldest()
    }

    /// So many letters that were taken cannot be kept.
    package mutating func lose(_ count: Int) {
        self.lost += count
    }

    private mutating func dropOldest() {
        while self.letters.count > self.limit || self.bytes > self.byteLimit, let oldest = self.letters.popFirst() {
            self.bytes -= oldest.payload.count
            self.lost += 1
        }
    }
}
