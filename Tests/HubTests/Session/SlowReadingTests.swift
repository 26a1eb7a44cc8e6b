// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import TestSupport
import Testing

/// For how long a connection has held up events, as tables.
@Suite struct SlowReadingTests {
    enum Step: Sendable {
        case full, open, idle
        /// It had room between two looks.
        case room
    }

    /// What is seen at which second, and the count that comes of it.
    static let tables: [[(second: Int64, step: Step, count: Int64)]] = [
        [(0, .open, 0), (9, .open, 0), (99, .open, 0)],
        [(0, .idle, 0), (9, .idle, 0), (99, .idle, 0)],
        [(5, .full, 0), (6, .full, 1), (15, .full, 10), (16, .full, 11)],
        [(0, .full, 0), (9, .full, 9), (10, .room, 0), (11, .full, 0), (20, .full, 9)],
        [(0, .full, 0), (9, .full, 9), (10, .open, 0), (11, .full, 0), (20, .full, 9)],
        [(0, .full, 0), (9, .full, 9), (10, .idle, 0), (11, .full, 0), (20, .full, 9)],
        [(0, .idle, 0), (50, .full, 0), (51, .full, 1)],
        [(0, .room, 0), (1, .room, 0), (2, .full, 0), (3, .full, 1)],
    ]

    @Test(arguments: Self.tables)
    func countsWithoutABreak(_ steps: [(second: Int64, step: Step, count: Int64)]) {
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var reading = SlowReading()
        for (second, step, count) in steps {
            if case .room = step {
                reading.madeRoom()
                continue
            }
            var isWritable = false
            var waits = true
            switch step {
            case .full, .room: break
            case .open: isWritable = true
            case .idle: waits = false
            }
            let now = start + .seconds(second)
            #expect(
                reading.observe(isWritable: isWritable, hasEventsWaiting: waits, now: now) == .seconds(count),
                "at \(second)"
            )
        }
    }

    @Test func onlyWhatWasPublishedCanBeMissing() {
        var cursor = Cursor(next: 6, replaying: false, delivery: .every)
        #expect(!cursor.isMissing(upTo: 6))
        _ = cursor.published(first: 6, last: 7, isWritable: false)
        #expect(cursor.isMissing(upTo: 7))
        #expect(cursor.isMissing(upTo: 6))
        cursor.wrote(through: 7)
        #expect(!cursor.isMissing(upTo: 7))
        #expect(cursor.isMissing(upTo: 8))
        let replaying = Cursor(next: 6, replaying: true, delivery: .every)
        #expect(replaying.isMissing(upTo: 6))
        #expect(!replaying.isMissing(upTo: 5))
    }
}
