// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let reopeningRules = [
        Rule("everythingIsThereAfterReopening") { try await $0.everythingIsThereAfterReopening() },
        Rule("appendingGoesOnAfterReopening") { try await $0.appendingGoesOnAfterReopening() },
        Rule("retentionGoesOnAfterReopening") { try await $0.retentionGoesOnAfterReopening() },
    ]

    /// All that can be read of a tape with few channels.
    private struct Contents: Equatable {
        var listings: [ChannelListing]
        var pages: [TapePage]
        var latest: [ChannelName: TapePage]

        init(of tape: any Tape) async throws {
            self.listings = try await tape.channels(withPrefix: "", after: nil, limit: 1000)
            self.pages = []
            for listing in self.listings {
                self.pages.append(try await tape.page(of: listing.name))
            }
            self.latest = try await tape.latest(of: self.listings.map(\.name))
        }
    }

    func everythingIsThereAfterReopening() async throws {
        let before = try await self.withTape { tape, _ in
            try await tape.appendEach([
                .sample("1", on: "a", "b", slot: "USD"),
                .sample("2", on: "b", slot: "EUR"),
                .sample("3", on: "a"),
                .sample("4", on: "a", slot: "USD", data: #"{"é":"日"}"#),
                .sample("5", on: "c", type: "other"),
            ])
            _ = try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 1)
            return try await Contents(of: tape)
        }
        let after = try await self.withTape { tape, _ in try await Contents(of: tape) }
        #expect(after == before)
        #expect(before.listings.count == 3)
    }

    func appendingGoesOnAfterReopening() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append(.sample("1", on: "a", "b"), .sample("2", on: "a"))
        }
        try await self.withTape { tape, _ in
            let outcome = try await tape.append(.sample("1", on: "a", "b"), .sample("3", on: "b", "a"))
            #expect(outcome.statuses == [.duplicate, .accepted])
            #expect(outcome.seqs == [[1, 1], [2, 3]])
            #expect(try await tape.append(.sample("2", on: "a", data: "{}")) == .conflict(items: [0]))
        }
    }

    func retentionGoesOnAfterReopening() async throws {
        let clock = TapeClock()
        try await self.withTape(clock: clock) { tape, _ in
            try await tape.appendEach((1...3).map { .sample("\($0)", on: "a") })
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(2_000), limit: 100) == 2)
        }
        clock.now = .at(10)
        try await self.withTape(clock: clock) { tape, _ in
            try await tape.appendEach([.sample("4", on: "a")])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(1_000), limit: 100) == 0)
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(2_000), limit: 100) == 1)
            #expect(try await tape.range(of: .note("a")) == [4, 4])
        }
    }
}
