// SPDX-License-Identifier: Apache-2.0

/// Adaptive number of blocks per `eth_getLogs` range: as many as the node accepts.
package struct BlockWindow: Sendable, Equatable {
    /// Size of the next range.
    package private(set) var count: Int
    /// Maximum, set by the operator or suggested by the node.
    private var cap: Int
    /// Number of logs in one range above which the next range is shorter: the size of one transaction.
    private let wantedLogs: Int

    package init(first: Int, cap: Int, wantedLogs: Int = 2_000) {
        self.cap = max(1, cap)
        self.count = min(max(1, first), self.cap)
        self.wantedLogs = wantedLogs
    }

    /// Whether one range has too many logs to hold at once and must be read in parts.
    package func isTooMuch(logs: Int) -> Bool {
        self.count > 1 && logs > self.wantedLogs * 4
    }

    /// Called when a range was answered.
    package mutating func succeeded(logs: Int) {
        if logs > self.wantedLogs {
            self.count = max(1, self.count / 2)
        } else if logs * 2 <= self.wantedLogs {
            self.count = min(self.cap, self.count + max(1, self.count / 4))
        }
    }

    /// Called when a range was rejected as too large. Uses the range that the node suggests if it has the same first
    /// block and is shorter than the one requested; otherwise halves the size.
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
