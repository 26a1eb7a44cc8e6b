// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

@testable import RedisBus

@Suite struct HeardNodesTests {
    private static let sender = InstanceID(high: 1, low: 2)

    private static func at(_ seconds: Int) -> Timestamp {
        Timestamp(nanoseconds: 1_800_000_000_000_000_000).advanced(by: .seconds(seconds))
    }

    @Test func eachMessageIsHeardOnce() {
        var nodes = HeardNodes()
        let other = InstanceID(high: 1, low: 3)
        for (counter, sender, expected) in [
            (5, Self.sender, HeardNodes.OnMessage.new), (5, Self.sender, .repeated), (4, Self.sender, .repeated),
            (6, Self.sender, .new), (5, other, .new), (9, Self.sender, .new), (8, Self.sender, .repeated),
            (.max, Self.sender, .new), (.max, Self.sender, .repeated), (0, other, .repeated),
        ] as [(UInt64, InstanceID, HeardNodes.OnMessage)] {
            #expect(nodes.received(counter, of: sender, sent: Self.at(0), now: Self.at(0)) == expected, "\(counter)")
        }
    }

    @Test(arguments: [(-60, true), (-61, false), (60, true), (61, false), (-10_000, false)])
    func onlyFreshMessagesAreHeard(_ sent: Int, _ isFresh: Bool) {
        var nodes = HeardNodes()
        let expected: HeardNodes.OnMessage = isFresh ? .new : .untimely
        #expect(nodes.received(1, of: Self.sender, sent: Self.at(sent), now: Self.at(0)) == expected)
        // What was too old has not counted.
        #expect(nodes.received(1, of: Self.sender, sent: Self.at(0), now: Self.at(0)) == (isFresh ? .repeated : .new))
    }

    @Test func timesAtTheEndsAreNotFresh() {
        var nodes = HeardNodes()
        for nanoseconds in [Int64.min, .max] {
            let sent = Timestamp(nanoseconds: nanoseconds)
            #expect(nodes.received(1, of: Self.sender, sent: sent, now: Self.at(0)) == .untimely)
        }
    }

    /// A node that was evicted is not trusted again: its messages are too old by then.
    @Test func manyNodesAreForgottenInTime() {
        var nodes = HeardNodes()
        #expect(nodes.received(7, of: Self.sender, sent: Self.at(60), now: Self.at(0)) == .new)
        for number in 0..<UInt64(HeardNodes.limit) * 3 {
            let now = Self.at(121 + Int(number))
            #expect(nodes.received(1, of: InstanceID(high: 9, low: number), sent: now, now: now) == .new)
        }
        #expect(nodes.received(7, of: Self.sender, sent: Self.at(60), now: Self.at(121)) == .untimely)
    }
}
