// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let latestRules = [
        Rule("latestIsHeadWithoutSlots") { try await $0.latestIsHeadWithoutSlots() },
        Rule("latestIsNewestOfEachSlot") { try await $0.latestIsNewestOfEachSlot() },
        Rule("slotsMayComeLater") { try await $0.slotsMayComeLater() },
        Rule("slotsBelongToTheirChannel") { try await $0.slotsBelongToTheirChannel() },
    ]

    func latestIsHeadWithoutSlots() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach((1...3).map { .sample("\($0)", on: "a") })
            let page = try await tape.latest(of: .note("a"))
            #expect(page.seqs == [3])
            #expect(page.extent == (try await tape.extent(of: .note("a"))))
        }
    }

    func latestIsNewestOfEachSlot() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([
                .sample("1", on: "a", slot: "USD"),
                .sample("2", on: "a", slot: "EUR"),
                .sample("3", on: "a", slot: "USD"),
                .sample("4", on: "a", slot: "BTC"),
            ])
            #expect(try await tape.latest(of: .note("a")).seqs == [2, 3, 4])
            try await tape.appendEach([.sample("5", on: "a", slot: "EUR"), .sample("6", on: "a", slot: "EUR")])
            let page = try await tape.latest(of: .note("a"))
            #expect(page.seqs == [3, 4, 6])
            #expect(page.entries.map(\.slot) == ["USD", "BTC", "EUR"])
        }
    }

    /// A type may be given slots after it has been in use, and lose them again.
    func slotsMayComeLater() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([.sample("1", on: "a"), .sample("2", on: "a")])
            try await tape.appendEach([.sample("3", on: "a", slot: "USD")])
            #expect(try await tape.latest(of: .note("a")).seqs == [2, 3])
            try await tape.appendEach([.sample("4", on: "a"), .sample("5", on: "a")])
            #expect(try await tape.latest(of: .note("a")).seqs == [3, 5])
        }
    }

    func slotsBelongToTheirChannel() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([
                .sample("1", on: "a", "b", slot: "USD"),
                .sample("2", on: "b", slot: "USD"),
                .sample("3", on: "b", slot: "EUR"),
            ])
            let pages = try await tape.latest(of: [.note("a"), .note("b"), .note("c")])
            #expect(pages.mapValues(\.ids) == [.note("a"): ["1"], .note("b"): ["2", "3"], .note("c"): []])
        }
    }
}
