// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let retentionRules = [
        Rule("pruneMovesFirst") { try await $0.pruneMovesFirst() },
        Rule("pruneLooksAtOneTypeAndTime") { try await $0.pruneLooksAtOneTypeAndTime() },
        Rule("pruneRemovesOldestFirstUpToLimit") { try await $0.pruneRemovesOldestFirstUpToLimit() },
        Rule("pruneFreesIds") { try await $0.pruneFreesIds() },
        Rule("numberingGoesOnAfterPrune") { try await $0.numberingGoesOnAfterPrune() },
        Rule("pruneKeepsNewestOfEachSlot") { try await $0.pruneKeepsNewestOfEachSlot() },
        Rule("supersededIsPrunedLater") { try await $0.supersededIsPrunedLater() },
        Rule("supersededGoOldestFirst") { try await $0.supersededGoOldestFirst() },
        Rule("pruneKeepsNewestOfAnyChannel") { try await $0.pruneKeepsNewestOfAnyChannel() },
        Rule("pruneGoesPastWhatItKeeps") { try await $0.pruneGoesPastWhatItKeeps() },
        Rule("clockGoingBackKeepsTheOrder") { try await $0.clockGoingBackKeepsTheOrder() },
    ]

    func pruneMovesFirst() async throws {
        try await self.withTape { tape, clock in
            try await tape.appendEach((1...3).map { .sample("\($0)", on: "a") })
            clock.now = .at(2_000)
            try await tape.appendEach((4...5).map { .sample("\($0)", on: "a") })
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(2_000), limit: 100) == 3)
            #expect(try await tape.range(of: .note("a")) == [4, 5])
            let page = try await tape.page(of: .note("a"))
            #expect(page.seqs == [4, 5])
            #expect(page.extent.first == 4)
            #expect(try await tape.page(of: .note("a"), after: 4).seqs == [5])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(2_000), limit: 100) == 0)
        }
    }

    func pruneLooksAtOneTypeAndTime() async throws {
        try await self.withTape { tape, clock in
            for round in 1...3 {
                clock.now = .at(Int64(round) * 1_000)
                try await tape.appendEach([
                    .sample("n\(round)", on: "a"),
                    .sample("o\(round)", on: "a", type: "other"),
                ])
            }
            #expect(try await tape.prune(type: "nothing", acceptedBefore: .at(9_000), limit: 100) == 0)
            #expect(try await tape.prune(type: "other", acceptedBefore: .at(1_000), limit: 100) == 0)
            #expect(try await tape.prune(type: "other", acceptedBefore: .at(1_001), limit: 100) == 1)
            #expect(try await tape.range(of: .note("a")) == [1, 3])
            #expect(try await tape.range(of: ChannelName(type: "other", key: "a")) == [2, 3])
        }
    }

    func pruneRemovesOldestFirstUpToLimit() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach((1...10).map { .sample("\($0)", on: $0.isMultiple(of: 2) ? "a" : "b") })
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 0) == 0)
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 3) == 3)
            #expect(try await tape.range(of: .note("a")) == [2, 5])
            #expect(try await tape.range(of: .note("b")) == [3, 5])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 3) == 3)
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 3) == 2)
            #expect(try await tape.range(of: .note("a")) == [5, 5])
            #expect(try await tape.range(of: .note("b")) == [5, 5])
        }
    }

    func pruneFreesIds() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach((1...3).map { .sample("\($0)", on: "a") })
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 100) == 2)
            let outcome = try await tape.append(.sample("1", on: "a", data: "{}"), .sample("3", on: "a"))
            #expect(outcome.statuses == [.accepted, .duplicate])
            #expect(outcome.seqs == [[4], [3]])
        }
    }

    func numberingGoesOnAfterPrune() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach((1...4).map { .sample("\($0)", on: "a") })
            _ = try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 100)
            #expect(try await tape.range(of: .note("a")) == [4, 4])
            #expect(try await tape.append(.sample("5", on: "a")).seqs == [[5]])
            #expect(try await tape.range(of: .note("a")) == [4, 5])
            #expect(try await tape.page(of: .note("a"), after: 1).seqs == [4, 5])
        }
    }

    /// What is kept of an old slot stays readable as state, though it is no longer in the run of numbers.
    func pruneKeepsNewestOfEachSlot() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([
                .sample("1", on: "a", slot: "USD"),
                .sample("2", on: "a", slot: "EUR"),
                .sample("3", on: "a", slot: "BTC"),
                .sample("4", on: "a", slot: "EUR"),
            ])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 100) == 1)
            #expect(try await tape.range(of: .note("a")) == [3, 4])
            #expect(try await tape.page(of: .note("a")).seqs == [3, 4])
            let latest = try await tape.latest(of: .note("a"))
            #expect(latest.ids == ["1", "3", "4"])
            #expect(latest.seqs == [1, 3, 4])
            #expect(latest.extent.first == 3)
            #expect(try await tape.append(.sample("1", on: "a", slot: "USD")).seqs == [[1]])
        }
    }

    func supersededIsPrunedLater() async throws {
        try await self.withTape { tape, clock in
            try await tape.appendEach([
                .sample("1", on: "a"),
                .sample("2", on: "b", slot: "USD"),
                .sample("3", on: "b", slot: "EUR"),
            ])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(2_000), limit: 100) == 0)
            clock.now = .at(3_000)
            try await tape.appendEach([
                .sample("4", on: "b", slot: "USD"),
                .sample("5", on: "a"),
                .sample("6", on: "b", slot: "USD"),
            ])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(2_000), limit: 1) == 1)
            #expect(try await tape.range(of: .note("a")) == [2, 2])
            #expect(try await tape.range(of: .note("b")) == [1, 4])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(2_000), limit: 100) == 1)
            #expect(try await tape.range(of: .note("b")) == [2, 4])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(4_000), limit: 100) == 1)
            #expect(try await tape.range(of: .note("b")) == [4, 4])
            #expect(try await tape.latest(of: .note("b")).seqs == [2, 4])
            try await tape.appendEach([.sample("7", on: "b", slot: "EUR")])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(4_000), limit: 100) == 1)
            #expect(try await tape.latest(of: .note("b")).seqs == [4, 5])
        }
    }

    func supersededGoOldestFirst() async throws {
        try await self.withTape { tape, _ in
            let keys = (1...6).map { "\($0)" }
            try await tape.appendEach(keys.map { .sample($0, on: $0) })
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 100) == 0)
            try await tape.appendEach(["4", "2", "6", "1", "3", "5"].map { .sample("again " + $0, on: $0) })
            for key in keys {
                #expect(try await tape.range(of: .note(key)) == [1, 2])
                #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 1) == 1)
                #expect(try await tape.range(of: .note(key)) == [2, 2])
            }
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 1) == 0)
        }
    }

    func pruneKeepsNewestOfAnyChannel() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([
                .sample("1", on: "a", "b"),
                .sample("2", on: "b"),
                .sample("3", on: "b"),
            ])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 100) == 1)
            #expect(try await tape.range(of: .note("a")) == [1, 1])
            #expect(try await tape.range(of: .note("b")) == [3, 3])
            #expect(try await tape.page(of: .note("b")).ids == ["3"])
            #expect(try await tape.append(.sample("1", on: "a", "b")).seqs == [[1, 1]])
            try await tape.appendEach([.sample("4", on: "a")])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 100) == 1)
            #expect(try await tape.range(of: .note("a")) == [2, 2])
            #expect(try await tape.range(of: .note("b")) == [3, 3])
        }
    }

    /// More events kept than any step looks at must not hide those after them.
    func pruneGoesPastWhatItKeeps() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach((1...2500).map { .sample("k\($0)", on: "k\($0)") })
            try await tape.appendEach((1...10).map { .sample("\($0)", on: "a") })
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 5) == 5)
            #expect(try await tape.range(of: .note("a")) == [6, 10])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 5) == 4)
            #expect(try await tape.range(of: .note("k1")) == [1, 1])
        }
    }

    func clockGoingBackKeepsTheOrder() async throws {
        try await self.withTape { tape, clock in
            clock.now = .at(5_000)
            try await tape.appendEach([.sample("1", on: "a")])
            clock.now = .at(1_000)
            try await tape.appendEach([.sample("2", on: "a"), .sample("3", on: "a")])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(5_000), limit: 100) == 0)
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(5_001), limit: 1) == 1)
            #expect(try await tape.page(of: .note("a")).seqs == [2, 3])
            // The second counts as accepted with the first, whatever the clock said.
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(5_000), limit: 100) == 0)
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(5_001), limit: 100) == 1)
        }
    }
}
