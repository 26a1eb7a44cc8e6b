// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let readingRules = [
        Rule("unknownChannelIsEmpty") { try await $0.unknownChannelIsEmpty() },
        Rule("manyExtentsAreReadAtOnce") { try await $0.manyExtentsAreReadAtOnce() },
        Rule("pagesAreBoundedInEntries") { try await $0.pagesAreBoundedInEntries() },
        Rule("pagesAreBoundedInBytes") { try await $0.pagesAreBoundedInBytes() },
        Rule("pageHoldsAtLeastOneEntry") { try await $0.pageHoldsAtLeastOneEntry() },
        Rule("pageAfterHeadIsEmpty") { try await $0.pageAfterHeadIsEmpty() },
        Rule("entriesAreThoseAppended") { try await $0.entriesAreThoseAppended() },
    ]

    func unknownChannelIsEmpty() async throws {
        try await self.withTape { tape, _ in
            let extent = try await tape.extent(of: .note("a"))
            #expect(extent.first == 1)
            #expect(extent.head == 0)
            #expect(!extent.epoch.isEmpty)
            #expect(try await tape.page(of: .note("a")) == TapePage(entries: [], extent: extent))
            #expect(try await tape.latest(of: .note("a")) == TapePage(entries: [], extent: extent))
            #expect(try await tape.extents(of: []) == [:])
            #expect(try await tape.latest(of: []) == [:])
            #expect(try await tape.channels(withPrefix: "", after: nil, limit: 10) == [])
            #expect(try await tape.prune(type: "note", acceptedBefore: .at(.max), limit: 10) == 0)
        }
    }

    func manyExtentsAreReadAtOnce() async throws {
        try await self.withTape { tape, _ in
            let keys = (0..<3000).map { "k\($0)" }
            try await tape.appendEach(keys.map { Event.sample($0, on: $0) })
            try await tape.appendEach(keys.prefix(7).map { Event.sample($0 + "again", on: $0) })
            let names = (keys + ["nobody"]).map { ChannelName.note($0) }
            let extents = try await tape.extents(of: names + names)
            #expect(extents.count == 3001)
            #expect(extents.values.count { $0.head == 2 } == 7)
            #expect(extents[.note("nobody")]?.head == 0)
            let pages = try await tape.latest(of: names)
            #expect(pages.mapValues(\.extent) == extents)
            #expect(pages.values.count { $0.entries.map(\.seq) == [$0.extent.head] } == 3000)
        }
    }

    func pagesAreBoundedInEntries() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach((1...10).map { .sample("\($0)", on: "a") })
            #expect(try await tape.page(of: .note("a"), after: 0, entries: 4).seqs == [1, 2, 3, 4])
            #expect(try await tape.page(of: .note("a"), after: 4, entries: 4).seqs == [5, 6, 7, 8])
            #expect(try await tape.page(of: .note("a"), after: 8, entries: 4).seqs == [9, 10])
            #expect(try await tape.page(of: .note("a"), after: 6, entries: 4).seqs == [7, 8, 9, 10])
            #expect(try await tape.page(of: .note("a"), after: 0, entries: 4).extent.head == 10)
        }
    }

    func pagesAreBoundedInBytes() async throws {
        try await self.withTape { tape, _ in
            let events = (1...6).map { Event.sample("\($0)", on: "a", data: String(repeating: "x", count: 100 * $0)) }
            try await tape.appendEach(events)
            let costs = events.map { TapeEntry(seq: 1, event: $0).cost }
            for count in 2...6 {
                let exact = costs.prefix(count).reduce(0, +)
                #expect(try await tape.page(of: .note("a"), bytes: exact).entries.count == count)
                #expect(try await tape.page(of: .note("a"), bytes: exact - 1).entries.count == count - 1)
            }
        }
    }

    func pageHoldsAtLeastOneEntry() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([.sample("1", on: "a"), .sample("2", on: "a")])
            #expect(try await tape.page(of: .note("a"), after: 0, bytes: 1).seqs == [1])
            #expect(try await tape.page(of: .note("a"), after: 1, bytes: 0).seqs == [2])
            #expect(try await tape.page(of: .note("a"), after: 1, entries: 0, bytes: 0).seqs == [2])
        }
    }

    func pageAfterHeadIsEmpty() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([.sample("1", on: "a"), .sample("2", on: "a")])
            for seq in [2, 3, 1000, Int.max] {
                let page = try await tape.page(of: .note("a"), after: seq)
                #expect(page.entries == [])
                #expect(page.extent.head == 2)
            }
            #expect(try await tape.page(of: .note("a"), after: -1).seqs == [1, 2])
            #expect(try await tape.page(of: .note("a"), after: .min).seqs == [1, 2])
        }
    }

    func entriesAreThoseAppended() async throws {
        try await self.withTape { tape, _ in
            var events = (1...3).map { Event.sample("\($0)", on: "b", "a", slot: "s\($0)", data: "{\"n\":\($0)}") }
            // Those with a trace and those without, in one batch.
            events[1].trace = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            try await tape.appendEach(events)
            let entries = zip(1..., events).map { TapeEntry(seq: $0, event: $1) }
            #expect(try await tape.page(of: .note("a")).entries == entries)
            #expect(try await tape.latest(of: .note("b")).entries == entries)
        }
    }
}
