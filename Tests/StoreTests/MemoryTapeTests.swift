// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@Suite struct MemoryTapeTests {
    private let channel = ChannelName(type: "note", key: "a")
    private let everything = PageLimit(entries: .max, bytes: .max)

    private func extent(_ tape: MemoryTape, _ key: String = "a") async throws -> [Int] {
        let extents = try await tape.extents(of: [ChannelName(type: "note", key: key)])
        return extents.values.flatMap { [$0.first, $0.head] }
    }

    private func status(_ outcomes: [AppendOutcome]) -> Receipt.Status? {
        if case .committed(let receipts) = outcomes.first { receipts.first?.status } else { nil }
    }

    @Test func epochsDiffer() async throws {
        let epochs = try await [MemoryTape(), MemoryTape()].asyncMap { tape in
            try await tape.extents(of: [self.channel])[self.channel]?.epoch
        }
        #expect(Set(epochs).count == 2)
    }

    @Test func oldestGoFirst() async throws {
        let tape = MemoryTape(budget: 100_000)
        for index in 1...1000 {
            _ = try await tape.append([[.sample("\(index)", on: index.isMultiple(of: 10) ? "b" : "a")]])
        }
        let page = try await tape.page(of: self.channel, after: 0, limit: self.everything)
        #expect(page.extent.head == 900)
        #expect(page.extent.first > 700)
        #expect(page.entries.map(\.seq) == Array(page.extent.first...900))
        let rare = try await self.extent(tape, "b")
        #expect(rare[1] == 100)
        #expect((page.extent.first / 9 - 2...page.extent.first / 9 + 2).contains(rare[0]))
        #expect(self.status(try await tape.append([[.sample("1000", on: "b")]])) == .duplicate)
        #expect(self.status(try await tape.append([[.sample("1", on: "a")]])) == .accepted)
    }

    @Test func newestOfSlotsGoLast() async throws {
        let tape = MemoryTape(budget: 100_000)
        _ = try await tape.append([[.sample("state", on: "a", slot: "USD"), .sample("other", on: "quiet")]])
        for index in 1...1000 {
            _ = try await tape.append([[.sample("\(index)", on: "a", slot: "EUR")]])
        }
        #expect(try await tape.latest(of: [self.channel])[self.channel]?.entries.map(\.id) == ["state", "1000"])
        #expect(try await self.extent(tape, "quiet") == [1, 1])
        _ = try await tape.append([[.sample("new state", on: "a", slot: "USD")]])
        #expect(try await tape.latest(of: [self.channel])[self.channel]?.entries.map(\.id) == ["1000", "new state"])
        #expect(self.status(try await tape.append([[.sample("state", on: "a", slot: "USD")]])) == .accepted)
    }

    @Test func evenStateGoesWhenNothingElseIsLeft() async throws {
        let tape = MemoryTape(budget: 100_000)
        for index in 1...180 {
            _ = try await tape.append([[.sample("\(index)", on: "k\(index)")]])
        }
        #expect(try await self.extent(tape, "k1") == [2, 1])
        #expect(try await self.extent(tape, "k180") == [1, 1])
        let first = ChannelName(type: "note", key: "k1")
        #expect(try await tape.latest(of: [first])[first]?.entries == [])
        #expect(try await tape.page(of: first, after: 0, limit: self.everything).entries == [])
        _ = try await tape.append([[.sample("again", on: "k1")]])
        #expect(try await self.extent(tape, "k1") == [2, 2])
    }

    @Test func channelsThatFillTheBudgetStopAppends() async throws {
        let tape = MemoryTape(budget: 10_000)
        var appended = 0
        await #expect(throws: TapeFault.self) {
            for index in 1...1000 {
                _ = try await tape.append([[.sample("\(index)", on: "k\(index)")]])
                appended += 1
            }
        }
        #expect((10...50).contains(appended))
        #expect(try await tape.channels(withPrefix: "", after: nil, limit: 1000).count == appended)
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self {
            results.append(try await transform(element))
        }
        return results
    }
}
