// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let listingRules = [
        Rule("listingIsByBytes") { try await $0.listingIsByBytes() },
        Rule("listingTakesPrefixLiterally") { try await $0.listingTakesPrefixLiterally() },
        Rule("listingGoesOnAfterName") { try await $0.listingGoesOnAfterName() },
        Rule("listingTellsExtents") { try await $0.listingTellsExtents() },
        Rule("namesAreBytes") { try await $0.namesAreBytes() },
    ]

    private static let keys = [
        "a", "A", "a_c", "a%", "abc", "a c", "\u{e9}", "e\u{301}", "e\u{301}x", "z", "日", "🥁", "a:b", "a*",
        // To `Character` these combine with the preceding colon; the last but one also combines with what follows.
        "\u{301}", "\u{301}x", "\u{200d}a", "\u{fe0f}", "\u{600}", "\u{600}:", ":", ":\u{301}",
        // The same to `String`.
        "K", "\u{212a}", "a\u{323}\u{301}", "a\u{301}\u{323}",
    ]

    private func names(_ tape: any Tape, _ prefix: String, after: String? = nil, limit: Int = 100) async throws
        -> [String]
    {
        try await tape.channels(withPrefix: prefix, after: after, limit: limit).map(\.name.description)
    }

    private static func sorted(_ names: [String]) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    func listingIsByBytes() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach(Self.keys.map { .sample($0, on: $0) })
            #expect(try await self.names(tape, "") == Self.sorted(Self.keys.map { "note:" + $0 }))
        }
    }

    func listingTakesPrefixLiterally() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach(Self.keys.map { .sample($0, on: $0) })
            try await tape.appendEach([.sample("x", on: "a", type: "nota"), .sample("y", on: "a", type: "notf")])
            for prefix in [
                "", "note:", "note:a", "note:a_", "note:a%", "note:%", "note:_", "not", "note:é", "note:e", "x",
                "note:🥁", "note:\u{301}", "note:K", "note:\u{600}", "note::", "note:a\u{301}",
            ] {
                let expected = (Self.keys.map { "note:" + $0 } + ["nota:a", "notf:a"])
                    .filter { $0.utf8.starts(with: prefix.utf8) }
                #expect(try await self.names(tape, prefix) == Self.sorted(expected), "\(prefix)")
            }
        }
    }

    func listingGoesOnAfterName() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach(Self.keys.map { .sample($0, on: $0) })
            let all = Self.sorted(Self.keys.map { "note:" + $0 })
            #expect(try await self.names(tape, "note:", limit: 0) == [])
            #expect(try await self.names(tape, "note:", limit: 2) == Array(all.prefix(2)))
            #expect(try await self.names(tape, "note:", after: all[1], limit: 3) == Array(all[2..<5]))
            var paged: [String] = []
            while let next = try await self.names(tape, "", after: paged.last, limit: 1).first { paged.append(next) }
            #expect(paged == all)
            #expect(try await self.names(tape, "note:", after: all[4]) == Array(all[5...]))
            #expect(try await self.names(tape, "note:", after: all.last) == [])
            #expect(try await self.names(tape, "note:z", after: "a") == ["note:z"])
            #expect(try await self.names(tape, "note:a", after: "note:z") == [])
            #expect(try await self.names(tape, "note:z", after: "") == ["note:z"])
            #expect(try await self.names(tape, "note:a c", after: "note:a b") == ["note:a c"])
        }
    }

    /// Keys, slots, ids and sources that `String` treats as equal, or whose first scalar combines with the preceding
    /// one.
    func namesAreBytes() async throws {
        try await self.withTape { tape, _ in
            for (index, key) in Self.keys.enumerated() {
                let events = (0...index).map { number in
                    Event.sample(key, on: key, source: "s\(number)", slot: Self.keys[number])
                }
                #expect(try await tape.append([events]).first?.seqs == (0...index).map { [$0 + 1] })
            }
            for (index, key) in Self.keys.enumerated() {
                let channel = ChannelName.note(key)
                #expect(try await tape.extent(of: channel).head == index + 1)
                let page = try await tape.page(of: channel, after: index, limit: PageLimit(entries: 9, bytes: 1 << 20))
                #expect(page.entries.map { Array($0.id.utf8) } == [Array(key.utf8)])
                let latest = try await tape.latest(of: [channel])[channel]?.entries ?? []
                #expect(latest.map { Array($0.slot.utf8) } == Self.keys[...index].map { Array($0.utf8) })
            }
            let listed = try await tape.channels(withPrefix: "", after: nil, limit: 100)
            #expect(listed.allSatisfy { $0.name.type == "note" })
            #expect(Set(listed.map { Array($0.name.key.utf8) }) == Set(Self.keys.map { Array($0.utf8) }))
            // Deduplication distinguishes them as well: each of these is new.
            let sources = Self.keys.map { Event.sample("id", on: "a", source: $0) }
            let outcomes = try await tape.append(sources.map { [$0] })
            #expect(outcomes.allSatisfy { $0.statuses == [.accepted] }, "\(outcomes)")
        }
    }

    func listingTellsExtents() async throws {
        try await self.withTape { tape, _ in
            try await tape.appendEach([.sample("1", on: "a"), .sample("2", on: "b"), .sample("3", on: "a")])
            _ = try await tape.prune(type: "note", acceptedBefore: .at(9_000), limit: 100)
            let listings = try await tape.channels(withPrefix: "note:", after: nil, limit: 100)
            #expect(listings.map(\.extent.first) == [2, 1])
            #expect(listings.map(\.extent.head) == [2, 1])
            for listing in listings {
                #expect(listing.extent == (try await tape.extent(of: listing.name)))
            }
        }
    }
}
