// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@testable import PostgresStore

/// Retention by whole partitions.
@Suite(.system) struct PostgresRetentionSystemTests {
    private let everything = PageLimit(entries: .max, bytes: .max)

    private func name(_ key: String) -> ChannelName { ChannelName(type: "note", key: key) }

    /// Partitions of 100 nanoseconds, and a clock stopped at 1000.
    private func withTape(_ body: (PostgresTape, TapeClock, _ url: String) async throws -> Void) async throws {
        let url = try await PostgresServer.shared.makeSchema()
        var settings = PostgresTape.Settings.test()
        settings.partitionWidth = .nanoseconds(100)
        let clock = TapeClock()
        let tape = try await PostgresWorld.open(url, settings, clock: clock)
        try await body(tape, clock, url)
        try await PostgresWorld.check(url)
        await tape.close()
    }

    private func tables(_ url: String) async throws -> Int {
        Int(try await PostgresServer.shared.execute("SELECT count(*) FROM partitions", at: url)) ?? 0
    }

    private func range(_ tape: PostgresTape, _ key: String) async throws -> [Int] {
        try await tape.extents(of: [self.name(key)]).values.flatMap { [$0.first, $0.head] }
    }

    private func prune(_ tape: PostgresTape, before time: Int64, limit: Int = 1000) async throws -> Int {
        try await tape.prune(type: "note", acceptedBefore: Timestamp(nanoseconds: time), limit: limit)
    }

    @Test func wholePartitionsGo() async throws {
        try await self.withTape { tape, clock, url in
            for time in Int64(0)..<5 {
                clock.now = Timestamp(nanoseconds: 1000 + 100 * time)
                _ = try await tape.append((1...3).map { [.sample("\(time)-\($0)", on: "a")] })
            }
            #expect(try await self.tables(url) == 5)
            // Not before all that it can hold has expired.
            #expect(try await self.prune(tape, before: 1099) == 0)
            #expect(try await self.range(tape, "a") == [1, 15])
            #expect(try await self.prune(tape, before: 1100, limit: 2) == 2)
            #expect(try await self.range(tape, "a") == [4, 15])
            #expect(try await self.prune(tape, before: 1100) == 0)
            #expect(try await self.prune(tape, before: 1400) == 3)
            #expect(try await self.prune(tape, before: 1400) == 3)
            #expect(try await self.range(tape, "a") == [10, 15])
            let page = try await tape.page(of: self.name("a"), after: 0, limit: self.everything)
            #expect(page.entries.map(\.seq) == Array(10...15))
            // The one to come was made ahead.
            #expect(try await self.tables(url) == 3)
            let again = try await tape.append([[.sample("0-1", on: "a"), .sample("4-1", on: "a")]])
            #expect(again.map(\.seqs) == [[[16], [13]]])
        }
    }

    @Test func newestOfSlotsOutlivesItsPartition() async throws {
        try await self.withTape { tape, clock, url in
            _ = try await tape.append([
                [.sample("1", on: "a", slot: "USD"), .sample("2", on: "a", slot: "EUR")],
                [.sample("3", on: "a", slot: "BTC"), .sample("4", on: "a", slot: "EUR"), .sample("5", on: "b")],
            ])
            #expect(try await self.prune(tape, before: 2000) == 1)
            #expect(try await self.range(tape, "a") == [3, 4])
            #expect(try await self.range(tape, "b") == [1, 1])
            let page = try await tape.page(of: self.name("a"), after: 0, limit: self.everything)
            #expect(page.entries.map(\.id) == ["3", "4"])
            #expect(try await tape.latest(of: [self.name("a")])[self.name("a")]?.entries.map(\.seq) == [1, 3, 4])
            #expect(try await tape.append([[.sample("1", on: "a", slot: "USD")]]).map(\.seqs) == [[[1]]])
            // Superseded in a later partition, it goes with the next that does.
            clock.now = Timestamp(nanoseconds: 3000)
            _ = try await tape.append([[.sample("6", on: "a", slot: "BTC"), .sample("7", on: "b")]])
            #expect(
                try await tape.page(of: self.name("a"), after: 2, limit: self.everything).entries.map(\.seq) == [
                    3, 4, 5,
                ]
            )
            clock.now = Timestamp(nanoseconds: 4000)
            _ = try await tape.append([[.sample("8", on: "a", slot: "BTC"), .sample("9", on: "b")]])
            while try await self.prune(tape, before: 3900) > 0 {}
            #expect(try await self.range(tape, "a") == [6, 6])
            #expect(try await self.range(tape, "b") == [3, 3])
            #expect(try await tape.latest(of: [self.name("a")])[self.name("a")]?.entries.map(\.seq) == [1, 4, 6])
            let kept = try await PostgresServer.shared.execute("SELECT count(*) FROM events_0", at: url)
            #expect(kept == "2")
            #expect(try await tape.append([[.sample("6", on: "a", slot: "BTC")]]).map(\.seqs) == [[[7]]])
        }
    }

    @Test func eventKeptOnOneChannelKeepsItsId() async throws {
        try await self.withTape { tape, _, _ in
            _ = try await tape.append([[.sample("1", on: "a", "b"), .sample("2", on: "b")]])
            #expect(try await self.prune(tape, before: 2000) == 1)
            #expect(try await self.range(tape, "a") == [1, 1])
            #expect(try await self.range(tape, "b") == [2, 2])
            #expect(try await tape.append([[.sample("1", on: "a", "b")]]).map(\.seqs) == [[[1, 1]]])
        }
    }

    /// Pages, the newest and extents agree with what was appended however the chapters lie, and while partitions go.
    @Test func readsGoOverManyPartitions() async throws {
        try await self.withTape { tape, clock, _ in
            for time in Int64(0)..<80 {
                clock.now = Timestamp(nanoseconds: 1000 + 100 * time)
                let keys = time.isMultiple(of: 3) ? ["a", "b"] : ["a"]
                _ = try await tape.append([[.sample("\(time)", keys: keys, data: Array("{}".utf8))]])
            }
            let page = try await tape.page(of: self.name("a"), after: 0, limit: self.everything)
            #expect(page.entries.map(\.id) == (0..<80).map { "\($0)" })
            let middle = try await tape.page(of: self.name("b"), after: 9, limit: PageLimit(entries: 5, bytes: .max))
            #expect(middle.entries.map(\.seq) == Array(10...14))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { while try await self.prune(tape, before: 8000) > 0 {} }
                group.addTask {
                    while true {
                        let page = try await tape.page(of: self.name("a"), after: 0, limit: self.everything)
                        #expect(page.entries.map(\.seq) == Array(page.extent.first...80))
                        if page.extent.first > 70 { break }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await self.range(tape, "a") == [71, 80])
        }
    }

    /// An append that finds its partition closed looks for another and does not lose the event.
    @Test func appendsGoPastAClosedPartition() async throws {
        try await self.withTape { tape, clock, url in
            _ = try await tape.append([[.sample("1", on: "a")]])
            try await tape.upkeep.perform { session throws(PostgresFault) in
                _ = try PostgresPrune(session: session, type: "note").closeOldest(before: Timestamp(nanoseconds: 5000))
            }
            #expect(try await tape.append([[.sample("2", on: "a")]]).map(\.seqs) == [[[2]]])
            #expect(try await self.prune(tape, before: 1100) == 1)
            #expect(try await self.range(tape, "a") == [2, 2])
            clock.now = Timestamp(nanoseconds: 5000)
            #expect(try await tape.append([[.sample("3", on: "a")]]).map(\.seqs) == [[[3]]])
        }
    }
}
