// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import PostgresStore

/// Appending without a look, and what makes a node look again.
@Suite(.system) struct PostgresAppendSystemTests {
    private func numbers(_ outcome: AppendOutcome?) -> [Int] {
        guard case .committed(let receipts) = outcome else { return [] }
        return receipts.flatMap(\.positions).map(\.seq)
    }

    private func caution(of tape: PostgresTape) -> Int {
        tape.memory.withLock { $0.caution }
    }

    @Test func whatWasTakenForGrantedIsChecked() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tapes = try await PostgresWorld.open(url, count: 2)
        for number in 1...3 {
            #expect(self.numbers(try await tapes[0].append([[.sample("\(number)", on: "a")]]).first) == [number])
        }
        // Nobody was in the way: no attempt was in vain.
        #expect(self.caution(of: tapes[0]) == 0)
        // An event that is already stored.
        #expect(self.numbers(try await tapes[0].append([[.sample("2", on: "a")]]).first) == [2])
        let afterDuplicate = self.caution(of: tapes[0])
        #expect(afterDuplicate > 0)
        for number in 4..<4 + afterDuplicate {
            #expect(self.numbers(try await tapes[0].append([[.sample("\(number)", on: "a")]]).first) == [number])
        }
        #expect(self.caution(of: tapes[0]) == 0)
        // A channel that has advanced without this node.
        let next = 4 + afterDuplicate
        #expect(self.numbers(try await tapes[1].append([[.sample("other", on: "a")]]).first) == [next])
        #expect(self.numbers(try await tapes[0].append([[.sample("mine", on: "a")]]).first) == [next + 1])
        #expect(self.caution(of: tapes[0]) > 0)
        try await PostgresWorld.check(url)
        for tape in tapes { await tape.close() }
    }

    /// An event on two channels, one of which another node has advanced: the failed attempt leaves nothing behind.
    @Test func allOrNothingAcrossChannels() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tapes = try await PostgresWorld.open(url, count: 2)
        for number in 1...2 { _ = try await tapes[0].append([[.sample("\(number)", on: "a", "b")]]) }
        _ = try await tapes[1].append([[.sample("other", on: "b")]])
        #expect(self.numbers(try await tapes[0].append([[.sample("3", on: "a", "b")]]).first) == [3, 4])
        #expect(self.caution(of: tapes[0]) > 0)
        try await PostgresWorld.check(url)
        for tape in tapes { await tape.close() }
    }

    @Test func theServersClockIsTrustedForAWhile() {
        let moment = NIODeadline.uptimeNanoseconds(1_000_000_000)
        let time = PostgresTime(Timestamp(nanoseconds: 5_000), at: moment)
        #expect(time.now(moment + .microseconds(7)) == Timestamp(nanoseconds: 12_000))
        #expect(time.now(moment + .seconds(59)) != nil)
        #expect(time.now(moment + .seconds(61)) == nil)
    }
}
