// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LoadKit

struct LedgerTests {
    /// What happens in a run, in one word each.
    enum Step: Sendable {
        /// The hub acknowledged event `n` at number `n`.
        case ack(Int)
        /// The hub acknowledged an event at another number.
        case ackAs(Int, seq: Int)
        /// Event `n` was delivered at number `n`.
        case got(Int)
        /// Event `n` was delivered at number `n`, replacing others too.
        case gotSkipping(Int, skipped: Int)
        /// An event was delivered at another number.
        case gotAs(Int, seq: Int)
        /// Somebody else's event was delivered.
        case foreign(seq: Int)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var steps: [Step]
        var lost = 0
        var duplicated = 0
        var reordered = 0
        var conflated = 0
        var wrong = 0
        var contradicted = 0
        var unacknowledged = 0
        var foreign = 0
        var isClean = false

        var testDescription: String { self.name }
    }

    private static func channel(_ name: String = "a:b", mayConflate: Bool = true, slots: Int = 1) -> Trace.Channel {
        Trace.Channel(
            name: name,
            key: "b",
            isPrivate: false,
            mayConflate: mayConflate,
            slots: slots,
            events: 0
        )
    }

    @Test(arguments: [
        Case(name: "nothing", steps: [], isClean: true),
        Case(name: "in order", steps: [.ack(1), .got(1), .got(2), .ack(2)], isClean: true),
        Case(name: "never came", steps: [.ack(1), .ack(2), .got(1)], lost: 1),
        Case(name: "hole", steps: [.ack(1), .ack(2), .ack(3), .got(1), .got(3)], lost: 1),
        Case(name: "twice", steps: [.ack(1), .got(1), .got(1)], duplicated: 1),
        Case(name: "late", steps: [.ack(1), .ack(2), .ack(3), .got(3), .got(1), .got(2)], reordered: 2),
        Case(
            name: "late, then twice",
            steps: [.ack(1), .ack(2), .got(2), .got(1), .got(1)],
            duplicated: 1,
            reordered: 1
        ),
        Case(
            name: "middle of a hole",
            steps: [.ack(1), .ack(2), .ack(3), .ack(4), .got(4), .got(2)],
            lost: 2,
            reordered: 1
        ),
        Case(
            name: "conflated",
            steps: [.ack(1), .ack(2), .ack(3), .gotSkipping(3, skipped: 2)],
            conflated: 2,
            isClean: true
        ),
        Case(
            name: "conflated, then one that was said to be passed over",
            steps: [.ack(1), .ack(2), .gotSkipping(2, skipped: 1), .got(1)],
            duplicated: 1,
            conflated: 1
        ),
        Case(
            name: "passed over more than said",
            steps: [.ack(1), .ack(2), .ack(3), .ack(4), .gotSkipping(4, skipped: 2)],
            lost: 1,
            conflated: 2
        ),
        Case(
            name: "said more than passed over",
            steps: [.ack(1), .ack(2), .got(1), .gotSkipping(2, skipped: 5)],
            isClean: true
        ),
        Case(
            name: "newest conflated away",
            steps: [.ack(1), .ack(2), .ack(3), .gotSkipping(2, skipped: 1)],
            lost: 1,
            conflated: 1
        ),
        Case(name: "another event than acknowledged", steps: [.ack(1), .gotAs(9, seq: 1)], wrong: 1),
        Case(name: "another event acknowledged than came", steps: [.gotAs(9, seq: 1), .ack(1)], contradicted: 1),
        Case(name: "two events for a number", steps: [.ack(1), .ackAs(9, seq: 1), .got(1)], contradicted: 1),
        Case(name: "acknowledged again", steps: [.ack(1), .ack(1), .got(1)], isClean: true),
        Case(name: "came and was never acknowledged", steps: [.got(1)], unacknowledged: 1),
        Case(name: "somebody else's", steps: [.foreign(seq: 1), .ack(2), .got(2)], foreign: 1, isClean: true),
        Case(name: "somebody else's lost", steps: [.ack(2), .got(2)], lost: 1),
        Case(name: "somebody else's in place of ours", steps: [.ack(1), .foreign(seq: 1)], wrong: 1, foreign: 1),
    ])
    func verdictsAreJust(_ expected: Case) {
        var ledger = Ledger([Self.channel()])
        let subscriber = ledger.addSubscriber(ownChannels: [])
        _ = ledger.subscribed(subscriber, 0, epoch: "k", head: 0)
        for step in expected.steps {
            switch step {
            case .ack(let event):
                ledger.acknowledged(event, 0, epoch: "k", seq: event, slot: 0)
            case .ackAs(let event, let seq):
                ledger.acknowledged(event, 0, epoch: "k", seq: seq, slot: 0)
            case .got(let event):
                _ = ledger.received(subscriber, 0, seq: event, skipped: 0, .ours(event), slot: 0)
            case .gotSkipping(let event, let skipped):
                _ = ledger.received(subscriber, 0, seq: event, skipped: skipped, .ours(event), slot: 0)
            case .gotAs(let event, let seq):
                _ = ledger.received(subscriber, 0, seq: seq, skipped: 0, .ours(event), slot: 0)
            case .foreign(let seq):
                _ = ledger.received(subscriber, 0, seq: seq, skipped: 0, .foreign, slot: 0)
            }
        }
        let verdict = ledger.verdict()
        #expect(verdict.lost == expected.lost)
        #expect(verdict.counts.duplicated == expected.duplicated)
        #expect(verdict.counts.reordered == expected.reordered)
        #expect(verdict.counts.conflated == expected.conflated)
        #expect(verdict.counts.wrong == expected.wrong)
        #expect(verdict.counts.contradicted == expected.contradicted)
        #expect(verdict.unacknowledged == expected.unacknowledged)
        #expect(verdict.foreign == expected.foreign)
        #expect(verdict.isClean == expected.isClean)
    }

    @Test func runsBeginAtTheHead() {
        var ledger = Ledger([Self.channel()])
        let subscriber = ledger.addSubscriber(ownChannels: [])
        #expect(ledger.position(of: subscriber, 0) == nil)
        #expect(ledger.subscribed(subscriber, 0, epoch: "k", head: 100) == .accepted)
        #expect(ledger.isComplete)
        ledger.acknowledged(0, 0, epoch: "k", seq: 101, slot: 0)
        #expect(!ledger.isComplete)
        #expect(ledger.incompleteTracks == 1)
        #expect(ledger.received(subscriber, 0, seq: 100, skipped: 0, .foreign, slot: 0) == .again)
        #expect(ledger.received(subscriber, 0, seq: 101, skipped: 0, .ours(0), slot: 0) == .inOrder)
        #expect(ledger.isComplete)
        #expect(ledger.verdict().expected == 1)
    }

    @Test func resumingSubscribersGoOnWhereTheyWere() throws {
        var ledger = Ledger([Self.channel()])
        let subscriber = ledger.addSubscriber(ownChannels: [])
        _ = ledger.subscribed(subscriber, 0, epoch: "k", head: 5)
        _ = ledger.received(subscriber, 0, seq: 6, skipped: 0, .ours(0), slot: 0)
        let position = try #require(ledger.position(of: subscriber, 0))
        #expect(position == ("k", 6))
        // The head is further by now; what lies between is still owed.
        #expect(ledger.subscribed(subscriber, 0, epoch: "k", head: 9) == .accepted)
        #expect(ledger.received(subscriber, 0, seq: 7, skipped: 0, .ours(1), slot: 0) == .inOrder)
        #expect(ledger.subscribed(subscriber, 0, epoch: "k2", head: 9) == .epochChanged(from: "k"))
        ledger.acknowledged(1, 0, epoch: "k2", seq: 7, slot: 0)
        #expect(ledger.verdict().counts.contradicted == 1)
    }

    @Test func typesWithoutConflationLoseWhatIsSkipped() {
        var ledger = Ledger([Self.channel(mayConflate: false)])
        let subscriber = ledger.addSubscriber(ownChannels: [])
        _ = ledger.subscribed(subscriber, 0, epoch: "k", head: 0)
        for event in 1...3 { ledger.acknowledged(event, 0, epoch: "k", seq: event, slot: 0) }
        let outcome = ledger.received(subscriber, 0, seq: 3, skipped: 2, .ours(3), slot: 0)
        #expect(outcome == .ahead(missing: 2))
        #expect(ledger.verdict().lost == 2)
    }

    @Test func newestOfEveryCurrencyMustCome() {
        var ledger = Ledger([Self.channel(slots: 2)])
        let subscriber = ledger.addSubscriber(ownChannels: [])
        _ = ledger.subscribed(subscriber, 0, epoch: "k", head: 0)
        // Dollars at 1 and 2, euros at 3: the dollars' newest is passed over.
        for (seq, slot) in [(1, 0), (2, 0), (3, 1)] { ledger.acknowledged(seq, 0, epoch: "k", seq: seq, slot: slot) }
        var careless = ledger
        _ = careless.received(subscriber, 0, seq: 3, skipped: 2, .ours(3), slot: 1)
        #expect(careless.verdict().stale == 1)
        #expect(!careless.verdict().isClean)
        _ = ledger.received(subscriber, 0, seq: 2, skipped: 1, .ours(2), slot: 0)
        _ = ledger.received(subscriber, 0, seq: 3, skipped: 0, .ours(3), slot: 1)
        #expect(ledger.verdict().stale == 0)
        #expect(ledger.verdict().isClean)
    }

    @Test func subscribersAreJudgedOnTheirOwnChannels() {
        var own = Self.channel("p:u")
        own.isPrivate = true
        var other = Self.channel("p:v")
        other.isPrivate = true
        var ledger = Ledger([Self.channel(), own, other])
        let first = ledger.addSubscriber(ownChannels: [1])
        let second = ledger.addSubscriber(ownChannels: [2])
        #expect(ledger.channelsOf(first) == [0, 1])
        #expect(ledger.channelsOf(second) == [0, 2])
        for subscriber in [first, second] {
            for channel in ledger.channelsOf(subscriber) {
                _ = ledger.subscribed(subscriber, channel, epoch: "k", head: 0)
            }
        }
        ledger.acknowledged(0, 2, epoch: "k", seq: 1, slot: 0)
        #expect(ledger.incompleteTracks == 1)
        #expect(ledger.received(first, 2, seq: 1, skipped: 0, .ours(0), slot: 0) == .uncalled)
        #expect(ledger.received(second, 2, seq: 1, skipped: 0, .ours(0), slot: 0) == .inOrder)
        #expect(ledger.verdict().counts.uncalled == 1)
        #expect(ledger.verdict().lost == 0)
    }

    @Test func verdictsOfSeveralLoopsAddUp() {
        var one = Ledger.Verdict()
        one.expected = 3
        one.lost = 1
        one.counts.deliveries = 2
        one.counts.acknowledged = 3
        one.foreign = 1
        var sum = one
        sum.add(one)
        #expect(sum.expected == 6)
        #expect(sum.lost == 2)
        #expect(sum.counts.deliveries == 4)
        #expect(sum.counts.acknowledged == 3)
        #expect(sum.foreign == 1)
    }

    /// Numbers that no run reaches are wrong, and their sums do not trap.
    @Test func numbersOfALyingHubAreWrong() {
        var ledger = Ledger((0..<2_000).map { Self.channel("a:\($0)") })
        let subscriber = ledger.addSubscriber(ownChannels: [])
        let greatest = 9_007_199_254_740_991
        for channel in 0..<2_000 {
            _ = ledger.subscribed(subscriber, channel, epoch: "k", head: channel.isMultiple(of: 2) ? 0 : greatest)
            let outcome = ledger.received(subscriber, channel, seq: greatest, skipped: greatest, .foreign, slot: 0)
            #expect(outcome == .uncalled)
        }
        #expect(ledger.counts.wrong == 2_000)
        #expect(ledger.holes == 0)
        #expect(!ledger.verdict().isClean)
    }
}
