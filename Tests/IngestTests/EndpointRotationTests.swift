// SPDX-License-Identifier: Apache-2.0

import Ingest
import Testing

/// The rotation as a table of what happens and what is asked then.
struct EndpointRotationTests {
    private static let begin = ContinuousClock.now

    private static func at(_ seconds: Double) -> ContinuousClock.Instant {
        Self.begin + .milliseconds(Int(seconds * 1_000))
    }

    private static func rules(_ change: (inout EndpointRotation.Rules) -> Void = { _ in }) -> EndpointRotation.Rules {
        var rules = EndpointRotation.Rules()
        rules.rest = .seconds(1) ... .seconds(30)
        rules.stall = .seconds(20)
        rules.lag = 10
        change(&rules)
        return rules
    }

    private static func rotation(
        _ count: Int = 2,
        _ change: (inout EndpointRotation.Rules) -> Void = { _ in }
    ) -> EndpointRotation {
        var rotation = EndpointRotation(count: count, rules: Self.rules(change))
        _ = rotation.choose(at: Self.at(0))
        return rotation
    }

    // MARK: - Failures

    /// What concerns an endpoint concerns no other: it rests, and the next one is asked at once.
    @Test(arguments: EndpointTrouble.allCases)
    func anotherEndpointIsAskedAtOnce(_ trouble: EndpointTrouble) {
        var rotation = Self.rotation()
        // An unusable answer may be an accident.
        let patience = trouble == .failing ? 3 : 1
        for failure in 1...patience {
            let outlook = rotation.failed(0, trouble, "why", at: Self.at(0), chance: 1)
            #expect(outlook == (failure < patience ? .again(after: nil) : .another))
        }
        #expect(rotation.choose(at: Self.at(0)) == .ask(1))
        #expect(rotation.endpoints[0].trouble == trouble)
        #expect(rotation.endpoints[0].why == "why")
        #expect(rotation.endpoints[0].counts == [trouble: patience])
        #expect(rotation.endpoints[1].trouble == nil)
    }

    @Test func goodAnswersInBetweenRestorePatience() {
        var rotation = Self.rotation()
        for _ in 0..<10 {
            for _ in 0..<2 { _ = rotation.failed(0, .failing, "", at: Self.at(0), chance: 1) }
            rotation.succeeded(0, head: 5, at: Self.at(0))
        }
        #expect(rotation.choose(at: Self.at(0)) == .ask(0))
    }

    /// Alone, an endpoint is asked for ever: after 1, 2, 4 … seconds and at most 30.
    @Test func restsGrowWithinALimit() {
        var rotation = Self.rotation(1)
        var now = 0.0
        var rests: [Duration] = []
        for _ in 0..<7 {
            guard case .again(let rest?) = rotation.failed(0, .refused, "401", at: Self.at(now), chance: 1) else {
                Issue.record("no rest")
                return
            }
            #expect(rotation.choose(at: Self.at(now)) == .wait(rest, for: 0))
            rests.append(rest)
            now += rest / .seconds(1)
            #expect(rotation.choose(at: Self.at(now)) == .ask(0))
        }
        #expect(rests == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
        rotation.succeeded(0, at: Self.at(now))
        #expect(rotation.failed(0, .refused, "", at: Self.at(now), chance: 1) == .again(after: .seconds(1)))
    }

    @Test(arguments: [
        (Optional<Int>.none, 1), (.some(0), 1), (.some(7), 7), (.some(600), 600), (.some(601), 600),
        (.some(.max >> 8), 600),
        (.some(-5), 1),
    ])
    func retryAfterIsKeptToWithinALimit(_ asked: Int?, _ rest: Int) {
        var rotation = Self.rotation(1)
        let after = asked.map { Duration.seconds($0) }
        let outlook = rotation.failed(0, .throttled, "429", after: after, at: Self.at(0), chance: 1)
        #expect(outlook == .again(after: .seconds(rest)))
    }

    /// All are down: the one whose rest ends first is asked next, and each has its turn.
    @Test func allHaveTheirTurn() {
        var rotation = Self.rotation(3)
        var asked: [Int] = []
        var now = 0.0
        for _ in 0..<9 {
            switch rotation.choose(at: Self.at(now)) {
            case .ask(let index):
                asked.append(index)
                _ = rotation.failed(index, .unreachable, "", at: Self.at(now), chance: 1)
            case .wait(let rest, for: let index):
                now += rest / .seconds(1)
                #expect(rotation.choose(at: Self.at(now)) == .ask(index))
            }
        }
        #expect(Set(asked) == [0, 1, 2])
        #expect(asked.prefix(3) == [0, 1, 2])
    }

    // MARK: - Recovery

    @Test func preferredEndpointIsTakenBackOnceItHasBeenWell() {
        var rotation = Self.rotation()
        _ = rotation.failed(0, .refused, "", at: Self.at(0), chance: 1)
        #expect(rotation.choose(at: Self.at(0)) == .ask(1))
        #expect(rotation.probes(at: Self.at(0.5)) == [])
        #expect(rotation.probes(at: Self.at(1)) == [0])
        rotation.probed(0, head: 7, at: Self.at(1))
        #expect(rotation.endpoints[0].trouble == nil)
        #expect(rotation.choose(at: Self.at(60)) == .ask(1))
        #expect(rotation.choose(at: Self.at(61)) == .ask(0))
        // At once when the one in use fails.
        rotation.succeeded(0, at: Self.at(61))
        _ = rotation.failed(0, .refused, "", at: Self.at(500), chance: 1)
        #expect(rotation.choose(at: Self.at(500)) == .ask(1))
        rotation.probed(0, head: 7, at: Self.at(501))
        _ = rotation.failed(1, .unreachable, "", at: Self.at(502), chance: 1)
        #expect(rotation.choose(at: Self.at(502)) == .ask(0))
    }

    /// One that fails again as soon as it is used does not take the place of a good one every minute.
    @Test func relapsesMakeTheProbationLonger() {
        var rotation = Self.rotation()
        var now = 0.0
        var waits: [Double] = []
        for _ in 0..<8 {
            guard rotation.choose(at: Self.at(now)) == .ask(0) else {
                Issue.record("not the first at \(now)")
                return
            }
            _ = rotation.failed(0, .pruned, "", at: Self.at(now), chance: 1)
            #expect(rotation.choose(at: Self.at(now)) == .ask(1))
            now += 30
            rotation.probed(0, head: Int(now), at: Self.at(now))
            let well = now
            while now < well + 4_000, rotation.choose(at: Self.at(now)) == .ask(1) { now += 1 }
            waits.append(now - well)
        }
        #expect(waits == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600])
    }

    /// Where nobody looks at the others, one that was in trouble gets another chance after its probation.
    @Test func withoutProbesTroubleLapses() {
        var rotation = Self.rotation { $0.probe = nil }
        _ = rotation.failed(0, .refused, "", at: Self.at(0), chance: 1)
        #expect(rotation.choose(at: Self.at(59)) == .ask(1))
        #expect(rotation.probes(at: Self.at(59)) == [])
        #expect(rotation.choose(at: Self.at(60)) == .ask(1))
        #expect(rotation.endpoints[0].trouble == nil)
        #expect(rotation.choose(at: Self.at(120)) == .ask(0))
    }

    @Test func endpointsThatAreNotInUseAreLookedAt() {
        var rotation = Self.rotation(3)
        #expect(rotation.probes(at: Self.at(0)) == [1, 2])
        rotation.probed(1, head: 5, at: Self.at(0))
        _ = rotation.failed(2, .refused, "an expired key", at: Self.at(0), chance: 1)
        #expect(rotation.probes(at: Self.at(0.9)) == [])
        #expect(rotation.probes(at: Self.at(1)) == [2])
        #expect(rotation.probes(at: Self.at(60)) == [1, 2])
        #expect(Self.rotation(1).probes(at: Self.at(100)) == [])
    }

    // MARK: - Heads

    @Test func headThatStandsStillMakesRoomForAnother() {
        var rotation = Self.rotation()
        rotation.succeeded(0, head: 100, at: Self.at(0))
        rotation.succeeded(0, head: 100, at: Self.at(19.9))
        #expect(rotation.choose(at: Self.at(19.9)) == .ask(0))
        rotation.succeeded(0, head: 100, at: Self.at(20))
        #expect(rotation.endpoints[0].trouble == .stalled)
        #expect(rotation.choose(at: Self.at(20)) == .ask(1))
        rotation.succeeded(1, head: 108, at: Self.at(20))
        #expect(rotation.choose(at: Self.at(21)) == .ask(1))
        // It moves again.
        rotation.probed(0, head: 109, at: Self.at(50))
        #expect(rotation.endpoints[0].trouble == nil)
    }

    /// A chain on which nothing happens: both have stalled, one of them is asked, and not in turns.
    @Test func chainThatStandsStillIsNoReasonToRotate() {
        var rotation = Self.rotation()
        rotation.succeeded(0, head: 100, at: Self.at(0))
        rotation.succeeded(0, head: 100, at: Self.at(20))
        _ = rotation.choose(at: Self.at(20))
        rotation.succeeded(1, head: 100, at: Self.at(20))
        for second in stride(from: 40.0, to: 400, by: 4) {
            rotation.succeeded(1, head: 100, at: Self.at(second))
            if Int(second) % 30 == 0 { rotation.probed(0, head: 100, at: Self.at(second)) }
            #expect(rotation.choose(at: Self.at(second)) == .ask(1))
        }
        #expect(rotation.endpoints.map(\.trouble) == [.stalled, .stalled])
    }

    @Test func alone() {
        var rotation = Self.rotation(1)
        rotation.succeeded(0, head: 100, at: Self.at(0))
        rotation.succeeded(0, head: 100, at: Self.at(600))
        #expect(rotation.endpoints[0].trouble == .stalled)
        #expect(rotation.choose(at: Self.at(600)) == .ask(0))
        rotation.succeeded(0, head: 101, at: Self.at(601))
        #expect(rotation.endpoints[0].trouble == nil)
    }

    /// It moves, and is further and further behind: only looking at another one shows it.
    @Test func endpointThatLagsMakesRoomForAnother() {
        var rotation = Self.rotation()
        rotation.succeeded(0, head: 100, at: Self.at(0))
        rotation.probed(1, head: 110, at: Self.at(0))
        rotation.succeeded(0, head: 100, at: Self.at(1))
        #expect(rotation.choose(at: Self.at(1)) == .ask(0))
        rotation.probed(1, head: 130, at: Self.at(60))
        rotation.succeeded(0, head: 119, at: Self.at(61))
        #expect(rotation.endpoints[0].trouble == .behind)
        #expect(rotation.choose(at: Self.at(61)) == .ask(1))
        rotation.probed(0, head: 131, at: Self.at(91))
        #expect(rotation.endpoints[0].trouble == nil)
    }

    /// What was read already counts, also when the endpoint that it came from is gone.
    @Test func endpointBehindWhatWasReadIsUsedOnlyWhileThereIsNoBetter() {
        var rotation = Self.rotation(3)
        rotation.succeeded(0, head: 100, followed: 100, at: Self.at(0))
        _ = rotation.failed(0, .unreachable, "", at: Self.at(1), chance: 1)
        #expect(rotation.choose(at: Self.at(1)) == .ask(1))
        rotation.succeeded(1, head: 80, followed: 100, at: Self.at(1))
        #expect(rotation.endpoints[1].trouble == .behind)
        #expect(rotation.choose(at: Self.at(1)) == .ask(2))
        rotation.succeeded(2, head: 85, followed: 100, at: Self.at(1))
        // Nobody is well: the one that has most, but not in turns for a block or two.
        #expect(rotation.choose(at: Self.at(2)) == .ask(2))
        rotation.probed(1, head: 89, at: Self.at(3))
        rotation.succeeded(2, head: 85, followed: 100, at: Self.at(3))
        _ = rotation.failed(1, .behind, "", at: Self.at(3), chance: 1)
        #expect(rotation.choose(at: Self.at(3)) == .ask(2))
    }

    /// A head that cannot be is the trouble of the endpoint that has it.
    @Test(arguments: [Int.max, Int.max - 1])
    func noHeadOverflows(_ head: Int) {
        var rotation = Self.rotation()
        rotation.succeeded(0, head: -1, followed: .min, at: Self.at(0))
        rotation.probed(1, head: head, at: Self.at(0))
        rotation.succeeded(0, head: 3, at: Self.at(1))
        #expect(rotation.endpoints[0].trouble == .behind)
        #expect(rotation.choose(at: Self.at(1)) == .ask(1))
        for _ in 0..<3 { _ = rotation.failed(1, .failing, "no such block", at: Self.at(2), chance: 1) }
        #expect(rotation.choose(at: Self.at(2)) == .ask(0))
        rotation.succeeded(0, head: 4, at: Self.at(3))
        #expect(rotation.endpoints[0].trouble == nil)
    }

    // MARK: - Networks

    /// One of another network is out; only when all are, there is nobody to ask.
    @Test func foreignEndpointsAreOut() {
        var rotation = Self.rotation(3)
        #expect(rotation.failed(1, .foreign, "", at: Self.at(0), chance: 1) == .another)
        #expect(rotation.choose(at: Self.at(1)) == .ask(0))
        #expect(rotation.failed(0, .foreign, "", at: Self.at(1), chance: 1) == .another)
        #expect(rotation.choose(at: Self.at(1)) == .ask(2))
        guard case .again(.some) = rotation.failed(2, .unreachable, "", at: Self.at(1), chance: 1) else {
            Issue.record("one that cannot be reached may be the right one")
            return
        }
        #expect(rotation.failed(2, .foreign, "", at: Self.at(3), chance: 1) == .none)
    }

    /// What it does not know it does not know on a second look at its head either.
    @Test func lackingEndpointIsUsedOnlyWhileThereIsNoBetter() {
        var rotation = Self.rotation()
        rotation.succeeded(0, head: 5, lacking: "topic 0.0.7", at: Self.at(0))
        #expect(rotation.choose(at: Self.at(0)) == .ask(1))
        rotation.succeeded(1, head: 5, lacking: "topic 0.0.7", at: Self.at(0))
        #expect(rotation.choose(at: Self.at(0)) == .ask(1))
        #expect(rotation.probes(at: Self.at(29)) == [])
        rotation.succeeded(1, head: 6, at: Self.at(29))
        #expect(rotation.endpoints[1].trouble == nil)
    }

    @Test func endpointsThatAreNotThereAreLeft() {
        var rotation = Self.rotation()
        rotation.succeeded(9, head: 1, at: Self.at(0))
        rotation.probed(-1, head: 1, at: Self.at(0))
        #expect(rotation.failed(9, .refused, "", at: Self.at(0), chance: 1) == .again(after: nil))
        #expect(rotation.choose(at: Self.at(0)) == .ask(0))
    }

    @Test(arguments: [
        (301, EndpointTrouble.refused), (302, .refused), (400, .refused), (401, .refused), (402, .refused),
        (403, .refused), (404, .refused), (405, .refused), (410, .refused), (451, .refused), (429, .throttled),
        (408, .failing), (425, .failing), (500, .failing), (502, .failing), (503, .failing), (504, .failing),
        (599, .failing), (204, .failing), (100, .failing), (0, .failing), (999, .failing),
    ])
    func statusesSayWhatIsWrong(_ status: Int, _ trouble: EndpointTrouble) {
        #expect(EndpointTrouble(status: status) == trouble)
    }
}
