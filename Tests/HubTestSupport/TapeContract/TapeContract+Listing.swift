// SPDX-License-Identifier: Apache-2.0

import Hub
import Testing

extension TapeContract {
    static let listingRules = [
        Rule("listingIsByBytes") { try await $0.listingIsByBytes() },
        Rule("listingTakesPrefixLiterally") { try await $0.listingTakesPrefixLiterally() },
        Rule("listingGoesOnAfterName") { try await $0.listingGoesOnAfterName() },
        Rule("listingTellsExtents") { try await $0.listingTellsExtents() },
    ]

    private static let keys = ["a", "A", "a_c", "a%", "abc", "a c", "é", "e\u{301}x", "z", "日", "🥁", "a:b", "a*"]

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
                "note:🥁",
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
            #expect(try await self.names(tape, "note:", after: all[4]) == Array(all[5...]))
            #expect(try await self.names(tape, "note:", after: all.last) == [])
            #expect(try await self.names(tape, "note:z", after: "a") == ["note:z"])
            #expect(try await self.names(tape, "note:a", after: "note:z") == [])
            #expect(try await self.names(tape, "note:z", after: "") == ["note:z"])
            #expect(try await self.names(tape, "note:a c", after: "note:a b") == ["note:a c"])
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
