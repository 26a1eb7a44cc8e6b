// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Testing

@testable import BroadtapeClient

/// What only this client has: it can stop reading. Everything else is in the vectors.
struct MachineTests {
    private static func at(_ milliseconds: Int64) -> Machine.Moment {
        Machine.Moment(now: .uptimeNanoseconds(0) + .seconds(1000) + .milliseconds(milliseconds), wall: 0, random: 0)
    }

    /// A machine that follows `a:b` from 10 on and learns that the head is 12, with heartbeats of 10 s.
    private static func behind() -> Machine {
        var machine = Machine([Subscription("a:b")], hasToken: false, backoff: Backoff(), now: Self.at(0).now)
        _ = machine.start(at: Self.at(0))
        _ = machine.opened(at: Self.at(0))
        let answer = Message.Subscribed(id: 1, channel: "a:b", epoch: "k", head: 10, mode: .live)
        _ = machine.received(.subscribed(answer), at: Self.at(0))
        _ = machine.received(.heartbeat(heads: ["a:b": 12]), at: Self.at(0))
        return machine
    }

    @Test func whoDoesNotListenHearsNothingAndIsNotBehind() {
        var machine = Self.behind()
        machine.listen(false, now: Self.at(1).now)
        #expect(machine.wakeAt == nil)
        #expect(machine.wake(at: Self.at(3_600_000), late: .hours(1)) == [])
        machine.listen(true, now: Self.at(3_600_000).now)
        #expect(machine.wakeAt == Self.at(3_610_001).now)
        #expect(machine.wake(at: Self.at(3_610_000)) == [])
        let outputs = machine.wake(at: Self.at(3_610_001))
        #expect(outputs.first == .close(.stuck(channel: "a:b")))
    }

    @Test func bytesOfALongMessageAreASignOfLife() {
        var quiet = Self.behind()
        quiet.heard(now: Self.at(0).now)
        #expect(quiet.wakeAt == Self.at(10_001).now)
        _ = quiet.received(.event(Event(channel: "a:b", seq: 12, id: "e", time: "", data: [])), at: Self.at(1))
        #expect(quiet.wakeAt == Self.at(12_501).now)
        quiet.heard(now: Self.at(9_000).now)
        #expect(quiet.wakeAt == Self.at(21_500).now)
    }

    @Test func channelsAreFollowedOnce() {
        var machine = Machine([Subscription("a:b")], hasToken: false, backoff: Backoff(), now: Self.at(0).now)
        #expect(machine.subscribe(Subscription("a:b", from: .after(3))) == [])
        _ = machine.start(at: Self.at(0))
        guard case .send(.subscribe(let list), _) = machine.opened(at: Self.at(0)).first else {
            Issue.record("nothing was asked for")
            return
        }
        #expect(list == [Request.Subscribe(channel: "a:b")])
    }
}
