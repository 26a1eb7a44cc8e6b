// SPDX-License-Identifier: Apache-2.0

import EventLog
import PostgresStore
import SQLiteStore
import TestSupport
import Testing

@Suite(.system) struct FanInStoreSystemTests {
    private func withStore(
        _ implementation: Implementation,
        _ body: (any FanInStore, _ reopen: () async throws -> any FanInStore) async throws -> Void
    ) async throws {
        switch implementation {
        case .memory:
            let tape = MemoryTape()
            try await body(tape) { tape }
        case .sqlite:
            try await withTemporaryFolder { folder in
                var tape = try await SQLiteTape(path: folder + "/tape")
                try await body(tape) {
                    await tape.close()
                    tape = try await SQLiteTape(path: folder + "/tape")
                    return tape
                }
                await tape.close()
            }
        case .postgres:
            let url = try await PostgresServer.shared.makeSchema()
            var tape = try await PostgresTape(url: url, settings: .test())
            try await body(tape) {
                await tape.close()
                tape = try await PostgresTape(url: url, settings: .test())
                return tape
            }
            await tape.close()
        }
    }

    private func letter(_ number: Int, _ payload: [UInt8] = [0, 255]) -> DeadLetter {
        DeadLetter(
            received: Timestamp(nanoseconds: Int64(number)),
            channel: "c\(number)",
            payload: payload,
            reason: "not JSON"
        )
    }

    @Test(arguments: Implementation.allCases)
    func lettersAreKeptNewestFirst(_ implementation: Implementation) async throws {
        try await self.withStore(implementation) { store, reopen in
            #expect(try await store.deadLetters(limit: 9) == [])
            try await store.setAside([])
            try await store.setAside([self.letter(1), self.letter(2, [])])
            try await store.setAside([self.letter(3)])
            let store = try await reopen()
            #expect(try await store.deadLetters(limit: 9) == [self.letter(3), self.letter(2, []), self.letter(1)])
            #expect(try await store.deadLetters(limit: 1) == [self.letter(3)])
            #expect(try await store.deadLetters(limit: 0) == [])
        }
    }

    @Test(arguments: Implementation.allCases)
    func oldestLettersAreForgotten(_ implementation: Implementation) async throws {
        try await self.withStore(implementation) { store, _ in
            try await store.setAside((1...DeadLetter.kept).map { self.letter($0) })
            try await store.setAside((1...7).map { self.letter(DeadLetter.kept + $0) })
            let deadLetters = try await store.deadLetters(limit: .max)
            #expect(deadLetters.count == DeadLetter.kept)
            #expect(deadLetters.first == self.letter(DeadLetter.kept + 7))
            #expect(deadLetters.last == self.letter(8))
            // More at once than are kept.
            try await store.setAside((1...DeadLetter.kept + 5).map { self.letter($0) })
            #expect(try await store.deadLetters(limit: .max).last == self.letter(6))
        }
    }

    @Test func memoryKeepsLettersWithinBytes() async throws {
        let tape = MemoryTape()
        let payload = [UInt8](repeating: 1, count: DeadLetter.maxPayload)
        for number in 1...40 {
            try await tape.setAside((0..<10).map { self.letter(number * 10 + $0, payload) })
        }
        let deadLetters = try await tape.deadLetters(limit: .max)
        #expect(deadLetters.count < 256)
        #expect(deadLetters.count > 250)
        #expect(deadLetters.first?.channel == "c409")
    }

    @Test(arguments: Implementation.allCases)
    func marksReplaceThoseOfTheirSource(_ implementation: Implementation) async throws {
        func mark(_ source: String, _ seq: Int?, _ heard: Int64, _ types: [String] = []) -> SourceMark {
            SourceMark(source: source, seq: seq, heard: Timestamp(nanoseconds: heard), types: types)
        }
        try await self.withStore(implementation) { store, reopen in
            #expect(try await store.sourceMarks() == [])
            try await store.note([])
            try await store.note([mark("b", 1, 10, ["rateChange", "x.y"]), mark("a", nil, 20)])
            try await store.note([mark("b", 5, 30, ["rateChange"]), mark("\u{E9}", 1, 40), mark("e\u{301}", 2, 40)])
            let store = try await reopen()
            #expect(
                try await store.sourceMarks() == [
                    mark("a", nil, 20), mark("b", 5, 30, ["rateChange"]), mark("e\u{301}", 2, 40),
                    mark("\u{E9}", 1, 40),
                ]
            )
            try await store.forgetSources(heardBefore: Timestamp(nanoseconds: 30))
            #expect(try await store.sourceMarks().map(\.seq) == [5, 2, 1])
        }
    }

    /// Marks that an earlier program took from a message end no later one.
    @Test(arguments: [Implementation.sqlite, .postgres], [Int.max, .min, -1, 9_007_199_254_740_992])
    func marksBeyondAllNumbersAreNone(_ implementation: Implementation, _ seq: Int) async throws {
        try await self.withStore(implementation) { store, reopen in
            let time = Timestamp(nanoseconds: 10)
            try await store.note([SourceMark(source: "s", seq: seq, heard: time, types: ["note"])])
            let store = try await reopen()
            #expect(
                try await store.sourceMarks() == [SourceMark(source: "s", seq: nil, heard: time, types: ["note"])]
            )
            let greatest = SourceMark(source: "s", seq: 9_007_199_254_740_991, heard: time, types: ["note"])
            try await store.note([greatest])
            #expect(try await store.sourceMarks() == [greatest])
        }
    }

    @Test(arguments: Implementation.allCases)
    func theOnlyProcessIsAloneAtOnce(_ implementation: Implementation) async throws {
        try await self.withStore(implementation) { store, _ in
            try await confirmation(expectedCount: 2) { done in
                try await store.withLeadership("a") { done() }
                try await store.withLeadership("a") { done() }
            }
        }
    }
}
