// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import BroadtapeClient

struct ReconnectStateTests {
    private static let lost = Ending.closed(code: 1006, reason: "")
    private static let final = Ending.closed(code: 4501, reason: "")
    private static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(1000 + seconds) }

    private var state = ReconnectState(backoff: Backoff())

    /// A state that is connected since second 0.
    private func open() -> ReconnectState {
        var state = self.state
        state.connecting()
        state.opened(now: Self.at(0))
        return state
    }

    @Test(arguments: [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (8, 30), (1000, 30)] as [(Int, Double)])
    func delaysDoubleUpToTheCap(failures: Int, seconds: Double) {
        let backoff = Backoff()
        #expect(backoff.delay(failures: failures, random: 1) == .nanoseconds(Int64(seconds * 1e9)))
        #expect(backoff.delay(failures: failures, random: 0.5) == .nanoseconds(Int64(seconds * 5e8)))
        #expect(backoff.delay(failures: failures, random: 0) == .zero)
        #expect(backoff.delay(failures: failures, random: 7) == .nanoseconds(Int64(seconds * 1e9)))
    }

    @Test func failuresInARowWaitLonger() {
        var state = self.state
        for milliseconds in [500, 1000, 2000, 4000] as [Int64] {
            state.connecting()
            #expect(state.phase == .connecting)
            let now = Self.at(0)
            #expect(state.ended(.unreachable("x"), now: now, random: 1) == .wait(.milliseconds(milliseconds)))
            #expect(state.phase == .waiting(until: now + .milliseconds(milliseconds)))
        }
    }

    @Test func onlyAStableConnectionForgivesFailures() {
        var state = self.open()
        #expect(state.ended(Self.lost, now: Self.at(29), random: 1) == .wait(.milliseconds(500)))
        state.connecting()
        state.opened(now: Self.at(30))
        #expect(state.ended(Self.lost, now: Self.at(59), random: 1) == .wait(.seconds(1)))
        state.connecting()
        state.opened(now: Self.at(60))
        #expect(state.ended(Self.lost, now: Self.at(90), random: 1) == .wait(.milliseconds(500)))
    }

    @Test func finalEndingsStop() {
        var state = self.open()
        #expect(state.ended(Self.final, now: Self.at(1), random: 1) == .stop(Self.final))
        state.connecting()
        state.opened(now: Self.at(2))
        state.goodbye(reconnectAfter: .seconds(1))
        #expect(state.phase == .stopped(Self.final))
        #expect(state.ended(Self.lost, now: Self.at(3), random: 1) == .stop(Self.final))
    }

    @Test func goodbyeSaysWhenToComeBack() {
        var state = self.open()
        state.goodbye(reconnectAfter: .milliseconds(18_250))
        let ending = Ending.closed(code: 4001, reason: "draining;retry=1")
        #expect(state.ended(ending, now: Self.at(1), random: 1) == .wait(.milliseconds(18_250)))
        state.connecting()
        state.opened(now: Self.at(20))
        #expect(state.ended(Self.lost, now: Self.at(21), random: 1) == .wait(.milliseconds(500)))
    }

    @Test func goodbyeHoldsForItsConnectionOnly() {
        var state = self.open()
        state.goodbye(reconnectAfter: .seconds(5))
        #expect(state.ended(Self.lost, now: Self.at(1), random: 1) == .wait(.seconds(5)))
        state.connecting()
        #expect(state.ended(.unreachable("x"), now: Self.at(6), random: 1) == .wait(.milliseconds(500)))
    }

    @Test(arguments: [
        ("draining;retry=1500", TimeAmount.milliseconds(1500)), ("draining", .milliseconds(500)),
        ("draining;retry=x", .milliseconds(500)), ("draining;retry=-5", .milliseconds(500)),
        ("draining;retry=3600000", .minutes(10)),
    ])
    func reasonOfTheCloseSaysWhenToComeBack(reason: String, delay: TimeAmount) {
        var state = self.open()
        #expect(state.ended(.closed(code: 4001, reason: reason), now: Self.at(1), random: 1) == .wait(delay))
    }

    @Test func retryAfterIsTheLeastToWait() {
        var state = self.state
        state.connecting()
        let busy = Ending.refused(status: 503, reason: "", retryAfter: 3)
        #expect(state.ended(busy, now: Self.at(0), random: 1) == .wait(.seconds(3)))
        state.connecting()
        let other = Ending.refused(status: 503, reason: "", retryAfter: 0)
        #expect(state.ended(other, now: Self.at(0), random: 1) == .wait(.seconds(1)))
    }

    @Test func endlessAbsenceIsNotGranted() {
        var state = self.open()
        state.goodbye(reconnectAfter: .hours(1000))
        #expect(state.ended(Self.lost, now: Self.at(1), random: 1) == .wait(ReconnectState.longestWait))
    }
}
