// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import TestSupport
import Testing

@Suite struct ChannelStateTests {
    static let name = ChannelName(type: "t", key: "k")
    static let encoder = FrameEncoder(channel: name, framing: .bare)

    static func entries(
        _ numbers: ClosedRange<Int>,
        size: Int = 2,
        slot: (Int) -> String = { _ in "" }
    ) -> [TapeEntry] {
        numbers.map { seq in
            TapeEntry(
                seq: seq,
                id: "e\(seq)",
                time: Timestamp(nanoseconds: 0),
                data: Array("{}".utf8) + Array(repeating: UInt8(ascii: " "), count: size - 2),
                slot: slot(seq)
            )
        }
    }

    static func page(first: Int = 1, head: Int, newest: [TapeEntry]? = nil) -> TapePage {
        let entries = newest ?? (head == 0 ? [] : Self.entries(head...head))
        return TapePage(entries: entries, extent: Extent(epoch: "k3", first: first, head: head))
    }

    private func opened(head: Int) -> ChannelState {
        var state = ChannelState()
        state.open(Self.page(head: head))
        return state
    }

    private func publish(
        _ numbers: ClosedRange<Int>,
        on state: inout ChannelState,
        size: Int = 2,
        ringLimit: Int = ChannelState.ringLimit
    ) throws {
        let entries = Self.entries(numbers, size: size)
        state.apply(.events(try #require(Self.encoder.run(entries)), entries, ringLimit: ringLimit))
    }

    private func publish(_ entries: [TapeEntry], on state: inout ChannelState) throws {
        let run = try #require(Self.encoder.run(entries))
        state.apply(.events(run, entries, ringLimit: ChannelState.ringLimit))
    }

    private func seqs(_ found: (bytes: ByteBuffer, last: Int)?) -> [Int]? {
        guard let found else { return nil }
        let text = String(buffer: found.bytes)
        return text.split(separator: "\"seq\":").dropFirst().compactMap { Int($0.prefix { $0 != "," }) }
    }

    // MARK: - Opening and publishing

    @Test func extentIsUnknownBeforeItIsRead() throws {
        var state = ChannelState()
        #expect(state.extent == nil)
        try self.publish(3...4, on: &state)
        #expect(state.extent == nil)
        state.open(Self.page(first: 2, head: 4))
        #expect(state.extent == Extent(epoch: "k3", first: 2, head: 4))
    }

    @Test func publicationsBeyondTheReadStand() throws {
        var state = ChannelState()
        try self.publish(6...7, on: &state)
        state.open(Self.page(head: 5))
        #expect(state.extent?.head == 7)
        #expect(self.seqs(state.frames(after: 5)) == [6, 7])
        #expect(state.newest(from: 1)?.map(\.seq) == [7])
    }

    @Test func readBeyondThePublicationsClearsTheRing() throws {
        var state = ChannelState()
        try self.publish(6...7, on: &state)
        state.open(Self.page(head: 9))
        #expect(state.extent?.head == 9)
        #expect(state.frames(after: 5) == nil)
        #expect(state.frames(after: 8) == nil)
        #expect(state.ringBytes == 0)
        try self.publish(10...10, on: &state)
        #expect(self.seqs(state.frames(after: 9)) == [10])
    }

    @Test func emptyChannelHasHeadZero() throws {
        var state = self.opened(head: 0)
        #expect(state.extent == Extent(epoch: "k3", first: 1, head: 0))
        #expect(state.newest(from: 1) == [])
        try self.publish(1...1, on: &state)
        #expect(self.seqs(state.frames(after: 0)) == [1])
    }

    @Test func fullyPrunedChannelHasFirstBeyondTheHead() throws {
        var state = ChannelState()
        state.open(Self.page(first: 8, head: 7, newest: []))
        #expect(state.extent == Extent(epoch: "k3", first: 8, head: 7))
        try self.publish(8...8, on: &state)
        #expect(state.extent == Extent(epoch: "k3", first: 8, head: 8))
    }

    // MARK: - The ring

    @Test func framesAreThoseOfTheRunThatHoldsTheNext() throws {
        var state = self.opened(head: 5)
        try self.publish(6...8, on: &state)
        try self.publish(9...9, on: &state)
        try self.publish(10...12, on: &state)
        #expect(self.seqs(state.frames(after: 4)) == nil)
        #expect(self.seqs(state.frames(after: 5)) == [6, 7, 8])
        #expect(self.seqs(state.frames(after: 6)) == [7, 8])
        #expect(self.seqs(state.frames(after: 7)) == [8])
        #expect(self.seqs(state.frames(after: 8)) == [9])
        #expect(self.seqs(state.frames(after: 9)) == [10, 11, 12])
        #expect(self.seqs(state.frames(after: 11)) == [12])
        #expect(self.seqs(state.frames(after: 12)) == nil)
        #expect(self.seqs(state.frames(after: 99)) == nil)
        #expect(state.frames(after: 6)?.last == 8)
    }

    @Test func gapClearsTheRing() throws {
        var state = self.opened(head: 5)
        try self.publish(6...7, on: &state)
        try self.publish(9...9, on: &state)
        #expect(state.extent?.head == 9)
        #expect(self.seqs(state.frames(after: 5)) == nil)
        #expect(self.seqs(state.frames(after: 7)) == nil)
        #expect(self.seqs(state.frames(after: 8)) == [9])
    }

    @Test func runThatOverlapsIsReadableThroughout() throws {
        var state = self.opened(head: 5)
        try self.publish(6...7, on: &state)
        try self.publish(7...9, on: &state)
        #expect(state.extent?.head == 9)
        for after in 6..<9 {
            #expect(self.seqs(state.frames(after: after)) == Array(after + 1...9))
        }
    }

    @Test func ringIsBoundedInBytes() throws {
        var state = self.opened(head: 0)
        for seq in 1...100 {
            try self.publish(seq...seq, on: &state, size: 10_000)
            #expect(state.ringBytes <= ChannelState.ringLimit)
        }
        #expect(state.frames(after: 0) == nil)
        #expect(self.seqs(state.frames(after: 99)) == [100])
        let oldest = try #require((0..<100).first { state.frames(after: $0) != nil })
        #expect((85...95).contains(oldest))
        #expect((oldest..<100).allSatisfy { self.seqs(state.frames(after: $0)) == [$0 + 1] })
    }

    @Test func newestRunIsKeptWhateverItsSize() throws {
        var state = self.opened(head: 0)
        try self.publish(1...2, on: &state)
        try self.publish(3...4, on: &state, size: ChannelState.ringLimit)
        #expect(state.frames(after: 1) == nil)
        #expect(self.seqs(state.frames(after: 2)) == [3, 4])
        try self.publish(5...5, on: &state)
        #expect(state.frames(after: 2) == nil)
        #expect(self.seqs(state.frames(after: 4)) == [5])
    }

    @Test func overBudgetOnlyTheNewestRunIsKept() throws {
        var state = self.opened(head: 0)
        for seq in 1...2 { try self.publish(seq...seq, on: &state, size: 1_000) }
        #expect(state.frames(after: 0) != nil)
        try self.publish(3...3, on: &state, size: 1_000, ringLimit: 0)
        #expect(state.frames(after: 1) == nil)
        #expect(state.frames(after: 2) != nil)
    }

    // MARK: - Newest of each slot

    @Test func newestOfEachSlotAscends() throws {
        let slots = ["USD", "EUR", "USD", "GBP", "EUR"]
        var state = self.opened(head: 0)
        try self.publish(Self.entries(1...3) { slots[$0 - 1] }, on: &state)
        #expect(state.newest(from: 1)?.map(\.seq) == [2, 3])
        try self.publish(Self.entries(4...5) { slots[$0 - 1] }, on: &state)
        #expect(state.newest(from: 1)?.map(\.seq) == [3, 4, 5])
        #expect(state.newest(from: 1)?.map(\.slot) == ["USD", "GBP", "EUR"])
        #expect(state.newest(from: 4)?.map(\.seq) == [4, 5])
        #expect(state.newest(from: 6) == [])
    }

    @Test func newestOfTheTapeAndThePublicationsAreMerged() throws {
        var state = ChannelState()
        try self.publish(Self.entries(8...9) { $0 == 8 ? "EUR" : "GBP" }, on: &state)
        let read = Self.entries(2...2) { _ in "CHF" } + Self.entries(6...7) { $0 == 6 ? "EUR" : "USD" }
        state.open(Self.page(head: 7, newest: read))
        #expect(state.newest(from: 1)?.map(\.seq) == [2, 7, 8, 9])
        #expect(state.newest(from: 1)?.map(\.slot) == ["CHF", "USD", "EUR", "GBP"])
    }

    @Test func thereMayBeAnyNumberOfSlots() throws {
        var state = self.opened(head: 0)
        try self.publish(Self.entries(1...1000) { "s\($0)" }, on: &state)
        try self.publish(Self.entries(1001...1001) { _ in "s4" }, on: &state)
        #expect(state.newest(from: 1)?.map(\.seq) == Array(1...3) + Array(5...1001))
    }

    // MARK: - After a gap

    @Test func newestBeforeAGapAreNotKnown() throws {
        var state = self.opened(head: 0)
        try self.publish(Self.entries(1...2) { $0 == 1 ? "EUR" : "USD" }, on: &state)
        try self.publish(Self.entries(4...4) { _ in "USD" }, on: &state)
        #expect(state.newest(from: 3) == nil)
        #expect(state.newest(from: 1) == nil)
        #expect(state.newest(from: 4)?.map(\.seq) == [4])
        #expect(!state.hasAllNewest)
        #expect(state.extent == Extent(epoch: "k3", first: 1, head: 4))
    }

    @Test func readThatCoversTheGapMakesTheNewestKnown() throws {
        var state = self.opened(head: 0)
        try self.publish(Self.entries(4...4) { _ in "USD" }, on: &state)
        state.open(Self.page(head: 2, newest: Self.entries(2...2) { _ in "EUR" }))
        #expect(!state.hasAllNewest)
        state.open(Self.page(head: 3, newest: Self.entries(2...3) { $0 == 2 ? "EUR" : "CHF" }))
        #expect(state.hasAllNewest)
        #expect(state.newest(from: 1)?.map(\.seq) == [2, 3, 4])
        let newest = Self.entries(2...4) { ["EUR", "CHF", "USD"][$0 - 2] }
        #expect(state.newest == newest)
    }

    @Test func publicationBeforeOpeningLeavesNoFalseNewest() throws {
        var state = ChannelState()
        try self.publish(Self.entries(7...7) { _ in "USD" }, on: &state)
        state.open(Self.page(head: 5, newest: Self.entries(5...5) { _ in "EUR" }))
        #expect(state.newest(from: 6) == nil)
        #expect(!state.hasAllNewest)
    }

    @Test func headThatIsLearnedIsAGapUpToIt() throws {
        var state = self.opened(head: 0)
        try self.publish(Self.entries(1...2) { $0 == 1 ? "EUR" : "USD" }, on: &state)
        state.apply(.head(2))
        #expect(state.frames(after: 1) != nil)
        state.apply(.head(4))
        #expect(state.head == 4)
        #expect(state.frames(after: 1) == nil)
        #expect(state.newest(from: 4) == nil)
        #expect(!state.hasAllNewest)
        #expect(state.ringBytes == 0)
        try self.publish(Self.entries(5...5) { _ in "USD" }, on: &state)
        #expect(state.newest(from: 5)?.map(\.seq) == [5])
        state.apply(.newest(Self.page(head: 4, newest: Self.entries(3...4) { $0 == 3 ? "EUR" : "GBP" })))
        #expect(state.newest(from: 1)?.map(\.seq) == [3, 4, 5])
    }

    /// Subscribers would take the events up to that head for delivered.
    @Test func aReadBesideSubscribersMovesNoHead() throws {
        var state = self.opened(head: 5)
        state.apply(.newest(Self.page(head: 6)))
        #expect(state.head == 5)
        try self.publish(6...6, on: &state)
        #expect(self.seqs(state.frames(after: 5)) == [6])
    }

    @Test func retentionMovesTheFirst() {
        var state = self.opened(head: 9)
        state.apply(.first(4))
        #expect(state.extent == Extent(epoch: "k3", first: 4, head: 9))
        state.apply(.first(2))
        #expect(state.extent?.first == 4)
        state.apply(.first(10))
        #expect(state.extent == Extent(epoch: "k3", first: 10, head: 9))
    }
}
