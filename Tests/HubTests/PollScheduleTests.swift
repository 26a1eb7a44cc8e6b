// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import TestSupport
import Testing

@Suite struct PollScheduleTests {
    private static func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000)
    }

    struct Step: Sendable {
        var at: Int64
        var reach = BusReach.connected
        var isShared = false
        var hasMissed = false
        var isDue: Bool
        /// Slices of a round, when the read succeeds.
        var slices: Int? = 1
    }

    @Test(arguments: [
        // Alone with the tape there is nothing to look for.
        [Step(at: 500, reach: .alone, isDue: false), Step(at: 20_000, reach: .alone, isDue: false)],
        // Other nodes write to a shared tape without a notification.
        [
            Step(at: 500, reach: .alone, isShared: true, isDue: true),
            Step(at: 1_000, reach: .alone, isShared: true, isDue: true, slices: nil),
            Step(at: 1_500, reach: .alone, isShared: true, isDue: true),
        ],
        // Messages announce the changes.
        [
            Step(at: 9_999, isShared: true, isDue: false), Step(at: 10_000, isShared: true, isDue: true),
            Step(at: 10_500, isShared: true, isDue: false),
        ],
        // Once a heartbeat, and again when the read failed.
        [
            Step(at: 500, isDue: false), Step(at: 10_000, isDue: true, slices: nil), Step(at: 10_500, isDue: true),
            Step(at: 11_000, isDue: false), Step(at: 19_999, isDue: false), Step(at: 20_000, isDue: true),
        ],
        // A round of several slices continues until it is complete.
        [
            Step(at: 10_000, isDue: true, slices: 3), Step(at: 10_500, isDue: true, slices: 3),
            Step(at: 11_000, isDue: true, slices: 3), Step(at: 11_500, isDue: false),
        ],
        // Every time while the bus is cut, and once more when it is back.
        [
            Step(at: 500, reach: .cut, isDue: true), Step(at: 1_000, reach: .cut, isDue: true),
            Step(at: 1_500, isDue: true, slices: nil), Step(at: 2_000, isDue: true), Step(at: 2_500, isDue: false),
        ],
        // Messages were missed while the bus was cut for a moment, or during a round.
        [
            Step(at: 500, hasMissed: true, isDue: true, slices: 2),
            Step(at: 1_000, hasMissed: true, isDue: true, slices: 2), Step(at: 1_500, isDue: true, slices: 2),
            Step(at: 2_000, isDue: false),
        ],
    ])
    func headsAreReadWhenTheyHaveTo(_ steps: [Step]) {
        var schedule = PollSchedule(heartbeat: .seconds(10), now: Self.at(0))
        for step in steps {
            let isDue = schedule.isDue(
                at: Self.at(step.at),
                reach: step.reach,
                isShared: step.isShared,
                hasMissed: step.hasMissed
            )
            #expect(isDue == step.isDue, "\(step)")
            if isDue, let slices = step.slices { schedule.polled(slices: slices) }
        }
    }

    // MARK: - Rotation

    @Test(arguments: [(0, 10), (1, 10), (10, 10), (11, 10), (25, 10), (100, 7), (3, 0)])
    func everyOneHasItsTurnWithinARound(count: Int, limit: Int) {
        var rotation = PollRotation(limit: limit)
        let all = (0..<count).map { $0 * 37 % 1_000 }
        var seen: Set<Int> = []
        var rounds = 0
        repeat {
            let (slice, slices) = rotation.slice(of: all) { $0 }
            #expect(slice.count <= max(1, limit))
            #expect(slices == max(1, (count + max(1, limit) - 1) / max(1, limit)))
            seen.formUnion(slice)
            rounds += 1
            if rounds == slices { break }
        } while true
        #expect(seen == Set(all))
    }

    @Test func thoseOfOnePlaceGoTogether() {
        var rotation = PollRotation(limit: 2)
        let all = ["a", "b", "c", "d", "e"]
        let places = ["a": 1, "b": 5, "c": 5, "d": 5, "e": 9]
        #expect(Set(rotation.slice(of: all) { places[$0] ?? 0 }.channels) == ["a", "b", "c", "d"])
        #expect(rotation.slice(of: all) { places[$0] ?? 0 }.channels == ["e"])
        #expect(Set(rotation.slice(of: all) { places[$0] ?? 0 }.channels) == ["a", "b", "c", "d"])
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func thoseThatStayHaveTheirTurnWhoeverComesAndGoes(seed: UInt64) {
        var dice = SplitMix(seed: seed)
        var rotation = PollRotation(limit: 20)
        let stay = (0..<100).map { _ in Int.random(in: .min ... .max, using: &dice) }
        var seen: Set<Int> = []
        for _ in 0..<20 {
            let others = (0..<Int.random(in: 0...100, using: &dice)).map { _ in
                Int.random(in: .min ... .max, using: &dice)
            }
            seen.formUnion(rotation.slice(of: stay + others) { $0 }.channels)
        }
        #expect(seen.isSuperset(of: stay))
    }

    // MARK: - Health

    @Test func failedCommitPausesUntilTheNextSucceeds() {
        var health = TapeHealth()
        #expect(health.isWell(at: Self.at(0)))
        health.commitFailed(at: Self.at(0))
        #expect(health.isPaused)
        #expect(!health.isWell(at: Self.at(60_000)))
        health.committed()
        #expect(health.isWell(at: Self.at(1)))
    }

    /// A full disk can be read.
    @Test func readsThatSucceedDoNotOutweighAFreshFailure() {
        var health = TapeHealth()
        health.commitFailed(at: Self.at(0))
        for time in [1_000, 4_999] as [Int64] {
            health.probing(at: Self.at(time))
            health.probed(succeeded: true, at: Self.at(time))
            #expect(health.isPaused)
        }
        health.probed(succeeded: true, at: Self.at(5_000))
        #expect(!health.isPaused)
    }

    @Test func oneFailedProbeIsNotEnough() {
        var health = TapeHealth()
        health.probed(succeeded: false, at: Self.at(0))
        health.probed(succeeded: true, at: Self.at(1))
        health.probed(succeeded: false, at: Self.at(2))
        #expect(!health.isPaused)
        health.probed(succeeded: false, at: Self.at(3))
        #expect(health.isPaused)
        health.probed(succeeded: true, at: Self.at(4))
        #expect(!health.isPaused)
    }

    @Test func probeWithoutAnswerCountsAsFailed() {
        var health = TapeHealth()
        health.probing(at: Self.at(1_000))
        health.checked(at: Self.at(5_999))
        #expect(health.isWell(at: Self.at(5_999)))
        #expect(!health.isWell(at: Self.at(6_000)))
        health.checked(at: Self.at(6_000))
        #expect(health.isPaused)
        health.probed(succeeded: true, at: Self.at(9_000))
        #expect(health.isWell(at: Self.at(9_000)))
    }

    // MARK: - Notices

    @Test func noticeNamesSourcesByTypeAndNotTooMany() {
        let sources = (10...40).map { StaleSource(name: "s\($0)", types: ["a", $0 == 12 ? "b" : "a"]) }
        let notice = Notice(stale: sources.reversed())
        #expect(notice.stale["b"] == ["s12"])
        #expect(notice.stale["a"]?.count == Notice.maxSources)
        #expect(notice.stale["a"]?.first == "s10")
        #expect(!notice.isClear)
        #expect(Notice().isClear)
        #expect(!Notice(isPaused: true).isClear)
        #expect(Notice(stale: [StaleSource(name: "s", types: [])]).isClear)
    }
}
