// SPDX-License-Identifier: Apache-2.0

/// How many blocks one range has: as many as the node gives, found out by asking.
package struct Span: Sendable, Equatable {
    /// Of the next range.
    package private(set) var count: Int
    /// What the operator allows, or the node said it allows.
    private var cap: Int
    /// Logs of one range above which the next is shorter: what one transaction is to hold.
    private let wantedLogs: Int

    package init(first: Int, cap: Int, wantedLogs: Int = 2_000) {
        self.cap = max(1, cap)
        self.count = min(max(1, first), self.cap)
        self.wantedLogs = wantedLogs
    }

    /// Whether so many logs of one range are more than is to be held at once, and it is to be asked for in parts.
    package func isTooMuch(logs: Int) -> Bool {
        self.count > 1 && logs > self.wantedLogs * 4
    }

    /// A range was answered.
    package mutating func succeeded(logs: Int) {
        if logs > self.wantedLogs {
            self.count = max(1, self.count / 2)
        } else if logs * 2 <= self.wantedLogs {
            self.count = min(self.cap, self.count + max(1, self.count / 4))
        }
    }

    /// A range was refused as too large. What the node offers is taken if it begins where we do and is shorter than
    /// what was asked for; half of it otherwise.
    package mutating func refused(_ range: ClosedRange<Int>, _ hint: Refusal.Hint?) {
        let asked = range.count
        switch hint {
        case .range(let offer)
        where offer.lowerBound == range.lowerBound && offer.upperBound < range.upperBound:
            self.count = offer.count
        case .blocks(let limit) where limit < asked:
            self.cap = min(self.cap, limit)
            self.count = limit
        case .range, .blocks, nil:
            self.count = max(1, asked / 2)
        }
    }
}
