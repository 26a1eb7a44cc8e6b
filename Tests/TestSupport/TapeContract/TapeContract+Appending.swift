// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let appendingRules = [
        Rule("numbersAreContiguous") { try await $0.numbersAreContiguous() },
        Rule("channelsAreNumberedApart") { try await $0.channelsAreNumberedApart() },
        Rule("positionsComeInTheOrderOfKeys") { try await $0.positionsComeInTheOrderOfKeys() },
        Rule("nothingIsAppendedForNoRequests") { try await $0.nothingIsAppendedForNoRequests() },
        Rule("bytesComeBackAsTheyWere") { try await $0.bytesComeBackAsTheyWere() },
        Rule("namesAreComparedByBytes") { try await $0.namesAreComparedByBytes() },
    ]

    func numbersAreContiguous() async throws {
        try await self.withTape { tape, _ in
            #expect(try await tape.append(.sample("1", on: "a"), .sample("2", on: "a")).seqs == [[1], [2]])
            let outcomes = try await tape.append([[.sample("3", on: "a")], [.sample("4", on: "a")]])
            #expect(outcomes.map(\.seqs) == [[[3]], [[4]]])
            #expect(try await tape.append(.sample("5", on: "a")).seqs == [[5]])
            let page = try await tape.page(of: .note("a"))
            #expect(page.seqs == [1, 2, 3, 4, 5])
            #expect(page.ids == ["1", "2", "3", "4", "5"])
            #expect(try await tape.range(of: .note("a")) == [1, 5])
        }
    }

    func channelsAreNumberedApart() async throws {
        try await self.withTape { tape, _ in
            let first = try await tape.append(
                .sample("1", on: "a"),
                .sample("2", on: "b"),
                .sample("3", on: "a"),
                .sample("4", on: "a", type: "other")
            )
            #expect(first.seqs == [[1], [1], [2], [1]])
            #expect(try await tape.append(.sample("5", on: "b")).seqs == [[2]])
            let other = ChannelName(type: "other", key: "a")
            let extents = try await tape.extents(of: [.note("a"), .note("b"), other])
            #expect(extents.mapValues(\.head) == [.note("a"): 2, .note("b"): 2, other: 1])
            #expect(Set(extents.values.map(\.epoch)).count == 1)
        }
    }

    func positionsComeInTheOrderOfKeys() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append(.sample("1", on: "b"))
            let outcome = try await tape.append(.sample("2", on: "c", "b", "a"))
            let epoch = try await tape.extent(of: .note("a")).epoch
            let positions = [
                Position(channel: .note("c"), epoch: epoch, seq: 1),
                Position(channel: .note("b"), epoch: epoch, seq: 2),
                Position(channel: .note("a"), epoch: epoch, seq: 1),
            ]
            #expect(outcome == .committed([Receipt(status: .accepted, positions: positions)]))
            for key in ["a", "b", "c"] {
                #expect(try await tape.page(of: .note(key)).ids.last == "2")
            }
        }
    }

    func nothingIsAppendedForNoRequests() async throws {
        try await self.withTape { (tape, _) async throws in
            #expect(try await tape.append([]) == [])
            #expect(try await tape.append([[]]) == [.committed([])])
            #expect(try await tape.channels(withPrefix: "", after: nil, limit: 10) == [])
        }
    }

    func bytesComeBackAsTheyWere() async throws {
        let texts = [
            "{}", #"{"name":"Zoë 🥁 \u0000 日本"}"#, "{\"nul\":\"\u{0}\"}", String(repeating: "x", count: 200_000),
        ]
        try await self.withTape { tape, _ in
            for (index, text) in texts.enumerated() {
                let event = Event.sample("é\(index)\u{0}", on: "ключ 🗝", source: "ß", slot: "¥\u{0}", data: text)
                _ = try await tape.append(event)
                let entries = try await tape.page(of: .note("ключ 🗝"), after: index).entries
                #expect(entries == [TapeEntry(seq: index + 1, event: event)])
                #expect(try await tape.latest(of: .note("ключ 🗝")).entries == entries)
                #expect(try await tape.append(event).statuses == [.duplicate])
            }
        }
    }

    /// The composed and the decomposed `é` are equal to `String` and different on the wire.
    func namesAreComparedByBytes() async throws {
        try await self.withTape { tape, _ in
            let first = try await tape.append(
                .sample("\u{e9}", on: "\u{e9}", slot: "\u{e9}"),
                .sample("e\u{301}", on: "e\u{301}", slot: "e\u{301}")
            )
            #expect(first.seqs == [[1], [1]])
            #expect(first.statuses == [.accepted, .accepted])
            _ = try await tape.append(
                .sample("1", on: "slots", slot: "\u{e9}"),
                .sample("2", on: "slots", slot: "e\u{301}")
            )
            #expect(try await tape.latest(of: .note("slots")).ids == ["1", "2"])
            for key in ["\u{e9}", "e\u{301}"] {
                let page = try await tape.page(of: .note(key))
                #expect(page.entries.map { Array($0.id.utf8) } == [Array(key.utf8)])
            }
        }
    }
}
