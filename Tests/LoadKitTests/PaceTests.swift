// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LoadKit

struct PaceTests {
    @Test(
        arguments: [
            (.window(1), 0, 0, 0, 1), (.window(1), 1, 1, 0, 0), (.window(64), 60, 100, 0, 4),
            (.window(64), 70, 100, 0, 0), (.burst(100), 0, 0, 0, 100), (.burst(100), 1, 100, 0, 0),
            (.rate(1_000), 5, 0, 0, 1), (.rate(1_000), 5, 1, 0, 0), (.rate(1_000), 0, 100, 0.5, 401),
            (.rate(10), 0, 5, 0.1, 0), (.rate(10), 0, 0, -1, 0),
        ] as [(Pace, Int, Int, Double, Int)]
    )
    func roomIsWhatThePaceLeaves(pace: Pace, inFlight: Int, sent: Int, elapsed: Double, room: Int) {
        #expect(pace.room(inFlight: inFlight, sent: sent, elapsed: elapsed) == room)
    }

    @Test(
        arguments: [(.rate(1_000), 0, 0.0), (.rate(1_000), 500, 0.5), (.window(3), 7, nil), (.burst(3), 7, nil)]
            as [(Pace, Int, Double?)]
    )
    func onlyARateHasASchedule(pace: Pace, event: Int, due: Double?) {
        #expect(pace.due(of: event) == due)
    }

    @Test(arguments: 0..<40)
    func whatIsDueIsWhatThereIsRoomFor(step: Int) {
        // Whenever the schedule is looked at, exactly the events due by then have gone.
        let pace = Pace.rate(333)
        let elapsed = Double(step) * 0.0137
        let sent = pace.room(inFlight: 0, sent: 0, elapsed: elapsed)
        #expect((pace.due(of: sent - 1) ?? .infinity) <= elapsed)
        #expect((pace.due(of: sent) ?? 0) > elapsed)
    }

    @Test func eventsGoRound() {
        let course = Course(channels: [4, 5, 6], order: .inTurn)
        #expect((0..<7).map { course.channel(of: $0) } == [4, 5, 6, 4, 5, 6, 4])
    }

    @Test func aSeedDecidesTheOrderAndReachesEveryChannel() {
        let course = Course(channels: Array(0..<50), order: .random(seed: 7))
        let first = (0..<2_000).map { course.channel(of: $0) }
        #expect(first == (0..<2_000).map { course.channel(of: $0) })
        #expect(Set(first) == Set(0..<50))
        let other = Course(channels: Array(0..<50), order: .random(seed: 8))
        #expect(first != (0..<2_000).map { other.channel(of: $0) })
    }

    @Test func aTallyWakesOnceWhenTheNumberHasCome() {
        let tally = Tally()
        let calls = Box(0)
        tally.onThreshold { calls.value += 1 }
        tally.add(3)
        #expect(calls.value == 0)
        #expect(tally.await(5))
        tally.add(1)
        #expect(calls.value == 0)
        tally.add(4)
        tally.add(4)
        #expect(calls.value == 1)
        #expect(tally.count == 12)
        #expect(!tally.await(12))
    }
}
