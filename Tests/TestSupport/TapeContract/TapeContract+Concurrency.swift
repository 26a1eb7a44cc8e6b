// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let concurrencyRules = [
        Rule("readersSeeWholeAppends") { try await $0.readersSeeWholeAppends() },
        Rule("retentionMayRunDuringAppends") { try await $0.retentionMayRunDuringAppends() },
    ]

    private static let batches = 60
    private static let batch = 5

    private static func append(to tape: any Tape) async throws {
        for round in 0..<Self.batches {
            let events = (0..<Self.batch).map { Event.sample("\(round)-\($0)", on: "a", "b", slot: "\($0)") }
            #expect(try await tape.append([Array(events.prefix(2)), Array(events.dropFirst(2))]).count == 2)
        }
    }

    func readersSeeWholeAppends() async throws {
        try await self.withTape { tape, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Self.append(to: tape) }
                for reader in 0..<4 {
                    group.addTask { try await Self.follow(tape, .note(reader.isMultiple(of: 2) ? "a" : "b")) }
                }
                try await group.waitForAll()
            }
        }
    }

    private static func follow(_ tape: any Tape, _ channel: ChannelName) async throws {
        var next = 1
        while next <= Self.batches * Self.batch {
            let extents = try await tape.extents(of: [.note("a"), .note("b")])
            #expect(extents[.note("a")] == extents[.note("b")])
            let page = try await tape.page(of: channel, after: next - 1, entries: 7)
            #expect(page.extent.head.isMultiple(of: Self.batch))
            #expect(page.seqs == Array(next..<min(next + 7, page.extent.head + 1)))
            next += page.entries.count
            let latest = try await tape.latest(of: channel)
            let head = latest.extent.head
            #expect(latest.seqs == (head == 0 ? [] : Array(head - Self.batch + 1...head)))
        }
    }

    func retentionMayRunDuringAppends() async throws {
        try await self.withTape { tape, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Self.append(to: tape) }
                group.addTask {
                    while try await tape.extent(of: .note("a")).head < Self.batches * Self.batch {
                        _ = try await tape.prune(type: "note", acceptedBefore: .at(.max), limit: 3)
                    }
                }
                group.addTask {
                    while true {
                        let page = try await tape.page(of: .note("b"))
                        #expect(page.seqs == Array(page.extent.first..<page.extent.head + 1))
                        if page.extent.head == Self.batches * Self.batch { break }
                    }
                }
                try await group.waitForAll()
            }
            _ = try await tape.prune(type: "note", acceptedBefore: .at(.max), limit: 1_000_000)
            let head = Self.batches * Self.batch
            #expect(try await tape.range(of: .note("a")) == [head - Self.batch + 1, head])
        }
    }
}
