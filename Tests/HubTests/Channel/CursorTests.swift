// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Testing

/// The rules of delivery, as tables. Every cursor wants 6 next.
@Suite struct CursorTests {
    enum Start: Sendable, CaseIterable {
        case live
        case behind
        case replaying

        func cursor(_ delivery: EventType.Delivery) -> Cursor {
            switch self {
            case .live:
                return Cursor(next: 6, replaying: false, delivery: delivery)
            case .behind:
                var cursor = Cursor(next: 6, replaying: false, delivery: delivery)
                _ = cursor.published(first: 6, last: 6, isWritable: false)
                return cursor
            case .replaying:
                return Cursor(next: 6, replaying: true, delivery: delivery)
            }
        }

        var phase: Cursor.Phase {
            switch self {
            case .live: .live
            case .behind: .behind
            case .replaying: .replaying
            }
        }
    }

    @Test(arguments: Start.allCases, EventType.Delivery.allCases)
    func startsAsItShould(start: Start, delivery: EventType.Delivery) {
        let cursor = start.cursor(delivery)
        #expect(cursor.phase == start.phase)
        #expect(cursor.next == 6)
        #expect(!cursor.isReading)
    }

    // MARK: - A run was published

    struct Published: Sendable {
        var start: Start
        var first: Int
        var last: Int
        var isWritable: Bool
        var action: Cursor.OnPublished
        var next: Int
        var phase: Cursor.Phase

        init(
            _ start: Start,
            _ run: ClosedRange<Int>,
            _ isWritable: Bool,
            _ action: Cursor.OnPublished,
            next: Int,
            _ phase: Cursor.Phase
        ) {
            self.start = start
            self.first = run.lowerBound
            self.last = run.upperBound
            self.isWritable = isWritable
            self.action = action
            self.next = next
            self.phase = phase
        }
    }

    @Test(
        arguments: [
            Published(.live, 6...6, true, .deliver(from: 6), next: 7, .live),
            Published(.live, 6...9, true, .deliver(from: 6), next: 10, .live),
            Published(.live, 5...6, true, .deliver(from: 6), next: 7, .live),
            Published(.live, 1...8, true, .deliver(from: 6), next: 9, .live),
            Published(.live, 5...5, true, .ignore, next: 6, .live),
            Published(.live, 1...4, true, .ignore, next: 6, .live),
            Published(.live, 7...7, true, .fellBehind, next: 6, .behind),
            Published(.live, 8...12, true, .fellBehind, next: 6, .behind),
            Published(.live, 6...6, false, .fellBehind, next: 6, .behind),
            Published(.live, 5...7, false, .fellBehind, next: 6, .behind),
            Published(.live, 7...7, false, .fellBehind, next: 6, .behind),
            Published(.live, 5...5, false, .ignore, next: 6, .live),
            Published(.behind, 6...6, true, .ignore, next: 6, .behind),
            Published(.behind, 6...6, false, .ignore, next: 6, .behind),
            Published(.behind, 9...9, true, .ignore, next: 6, .behind),
            Published(.behind, 5...5, true, .ignore, next: 6, .behind),
            Published(.replaying, 6...6, true, .ignore, next: 6, .replaying),
            Published(.replaying, 6...6, false, .ignore, next: 6, .replaying),
            Published(.replaying, 9...9, true, .ignore, next: 6, .replaying),
        ],
        EventType.Delivery.allCases
    )
    func publicationIsDeliveredIgnoredOrFallenBehindOf(row: Published, delivery: EventType.Delivery) {
        var cursor = row.start.cursor(delivery)
        let action = cursor.published(first: row.first, last: row.last, isWritable: row.isWritable)
        #expect(action == row.action)
        #expect(cursor.next == row.next)
        #expect(cursor.phase == row.phase)
    }

    // MARK: - The head rose without the events

    @Test(
        arguments: [
            (.live, 5, false, .live), (.live, 6, true, .behind), (.live, 60, true, .behind),
            (.behind, 60, false, .behind), (.replaying, 60, false, .replaying),
        ] as [(Start, Int, Bool, Cursor.Phase)],
        EventType.Delivery.allCases
    )
    func risenHeadLeavesTheLiveBehind(row: (Start, Int, Bool, Cursor.Phase), delivery: EventType.Delivery) {
        let (start, head, hasFallenBehind, phase) = row
        var cursor = start.cursor(delivery)
        #expect(cursor.learned(head: head) == hasFallenBehind)
        #expect(cursor.phase == phase)
        #expect(cursor.next == 6)
    }

    // MARK: - Its turn

    struct Turn: Sendable {
        var start: Start
        var delivery: EventType.Delivery
        var head: Int
        var isWritable: Bool
        var action: Cursor.OnTurn
        var phase: Cursor.Phase

        init(
            _ start: Start,
            _ delivery: EventType.Delivery,
            head: Int,
            _ isWritable: Bool,
            _ action: Cursor.OnTurn,
            _ phase: Cursor.Phase
        ) {
            self.start = start
            self.delivery = delivery
            self.head = head
            self.isWritable = isWritable
            self.action = action
            self.phase = phase
        }
    }

    @Test(arguments: [
        Turn(.live, .every, head: 9, true, .live, .live),
        Turn(.live, .latest, head: 9, false, .live, .live),
        Turn(.behind, .every, head: 6, true, .read(after: 5), .behind),
        Turn(.behind, .every, head: 60, true, .read(after: 5), .behind),
        Turn(.behind, .latest, head: 6, true, .conflate(from: 6), .behind),
        Turn(.behind, .latest, head: 60, true, .conflate(from: 6), .behind),
        Turn(.behind, .every, head: 6, false, .wait, .behind),
        Turn(.behind, .latest, head: 6, false, .wait, .behind),
        Turn(.behind, .every, head: 5, true, .live, .live),
        Turn(.behind, .latest, head: 5, true, .live, .live),
        Turn(.behind, .every, head: 5, false, .live, .live),
        Turn(.replaying, .every, head: 6, true, .read(after: 5), .replaying),
        Turn(.replaying, .latest, head: 6, true, .read(after: 5), .replaying),
        Turn(.replaying, .latest, head: 6, false, .wait, .replaying),
        Turn(.replaying, .every, head: 5, true, .caughtUp(at: 5), .live),
        Turn(.replaying, .latest, head: 5, true, .caughtUp(at: 5), .live),
        Turn(.replaying, .every, head: 5, false, .wait, .replaying),
        Turn(.replaying, .every, head: 0, true, .caughtUp(at: 5), .live),
    ])
    func turnReadsOnWhileThereIsRoom(row: Turn) {
        var cursor = row.start.cursor(row.delivery)
        #expect(cursor.turn(head: row.head, isWritable: row.isWritable) == row.action)
        #expect(cursor.phase == row.phase)
        #expect(cursor.next == 6)
    }

    @Test(arguments: [Start.behind, .replaying], EventType.Delivery.allCases)
    func nothingHappensWhileItsPageIsRead(start: Start, delivery: EventType.Delivery) {
        var cursor = start.cursor(delivery)
        let before = cursor.phase
        cursor.startedReading()
        #expect(cursor.isReading)
        #expect(cursor.turn(head: 9, isWritable: true) == .wait)
        #expect(cursor.turn(head: 5, isWritable: true) == .wait)
        #expect(cursor.published(first: 6, last: 6, isWritable: true) == .ignore)
        #expect(cursor.phase == before)
        cursor.finishedReading()
        #expect(!cursor.isReading)
        #expect(cursor.turn(head: 9, isWritable: true) != .wait)
    }

    @Test func readerBecomesLiveWhenItHasReadTheHead() {
        var cursor = Start.replaying.cursor(.every)
        cursor.wrote(through: 7)
        #expect(cursor.turn(head: 9, isWritable: true) == .read(after: 7))
        cursor.wrote(through: 9)
        #expect(cursor.turn(head: 9, isWritable: true) == .caughtUp(at: 9))
        #expect(cursor.turn(head: 9, isWritable: true) == .live)
        #expect(cursor.published(first: 10, last: 10, isWritable: true) == .deliver(from: 10))
    }

    @Test func whatWasWrittenBeforeDoesNotMoveItBack() {
        var cursor = Start.behind.cursor(.every)
        cursor.wrote(through: 9)
        cursor.wrote(through: 3)
        #expect(cursor.next == 10)
    }

    @Test func replayFromTheBeginningReadsAfterZero() {
        var cursor = Cursor(next: 1, replaying: true, delivery: .every)
        #expect(cursor.turn(head: 3, isWritable: true) == .read(after: 0))
    }
}
