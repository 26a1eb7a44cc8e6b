// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import HubTestSupport
import NIOCore
import Testing

@Suite struct TailTests {
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

    private let budget = RingBudget(limit: 1 << 30)

    private func opened(head: Int) -> Tail {
        let tail = Tail(budget: self.budget)
        tail.opened(Self.page(head: head))
        return tail
    }

    @discardableResult
    private func publish(_ numbers: ClosedRange<Int>, on tail: Tail, size: Int = 2) throws -> [Int]? {
        let entries = Self.entries(numbers, size: size)
        return tail.publish(try #require(Self.encoder.run(entries)), entries: entries)
    }

    private func seqs(_ found: (bytes: ByteBuffer, last: Int)?) -> [Int]? {
        guard let found else { return nil }
        let text = String(buffer: found.bytes)
        return text.split(separator: "\"seq\":").dropFirst().compactMap { Int($0.prefix { $0 != "," }) }
    }

    // MARK: - Opening and publishing

    @Test func extentIsUnknownBeforeItIsRead() throws {
        let tail = Tail(budget: self.budget)
        #expect(tail.extent == nil)
        try self.publish(3...4, on: tail)
        #expect(tail.extent == nil)
        tail.opened(Self.page(first: 2, head: 4))
        #expect(tail.extent == Extent(epoch: "k3", first: 2, head: 4))
    }

    @Test func publicationsBeyondTheReadStand() throws {
        let tail = Tail(budget: self.budget)
        try self.publish(6...7, on: tail)
        tail.opened(Self.page(head: 5))
        #expect(tail.extent?.head == 7)
        #expect(self.seqs(tail.frames(after: 5)) == [6, 7])
        #expect(tail.newest(from: 1)?.map(\.seq) == [7])
    }

    @Test func readBeyondThePublicationsClearsTheRing() throws {
        let tail = Tail(budget: self.budget)
        try self.publish(6...7, on: tail)
        tail.opened(Self.page(head: 9))
        #expect(tail.extent?.head == 9)
        #expect(tail.frames(after: 5) == nil)
        #expect(tail.frames(after: 8) == nil)
        #expect(self.budget.usedBytes == 0)
        #expect(try self.publish(10...10, on: tail) == [])
        #expect(self.seqs(tail.frames(after: 9)) == [10])
    }

    @Test func emptyChannelHasHeadZero() throws {
        let tail = self.opened(head: 0)
        #expect(tail.extent == Extent(epoch: "k3", first: 1, head: 0))
        #expect(tail.newest(from: 1) == [])
        try self.publish(1...1, on: tail)
        #expect(self.seqs(tail.frames(after: 0)) == [1])
    }

    @Test func fullyPrunedChannelHasFirstBeyondTheHead() throws {
        let tail = Tail(budget: self.budget)
        tail.opened(Self.page(first: 8, head: 7, newest: []))
        #expect(tail.extent == Extent(epoch: "k3", first: 8, head: 7))
        try self.publish(8...8, on: tail)
        #expect(tail.extent == Extent(epoch: "k3", first: 8, head: 8))
    }

    /// A channel is asked for again while it is being read, and then read again. What the second read saw may be
    /// committed but not yet published: the publication must not count as known.
    @Test func secondReadDoesNotSwallowAPublication() throws {
        let tail = self.opened(head: 5)
        #expect(tail.join(loop: 0, wantsNewest: false) == .joined(Extent(epoch: "k3", first: 1, head: 5), newest: []))
        tail.opened(Self.page(head: 6))
        #expect(try self.publish(6...6, on: tail) == [0])
    }

    @Test(arguments: [(6...6, true), (4...6, true), (9...9, true), (5...5, false), (1...5, false)])
    func whatIsKnownIsNotPublishedAgain(run: ClosedRange<Int>, isNew: Bool) throws {
        let tail = self.opened(head: 5)
        #expect((try self.publish(run, on: tail) != nil) == isNew)
        #expect(tail.extent?.head == max(5, run.upperBound))
    }

    // MARK: - The ring

    @Test func framesAreThoseOfTheRunThatHoldsTheNext() throws {
        let tail = self.opened(head: 5)
        try self.publish(6...8, on: tail)
        try self.publish(9...9, on: tail)
        try self.publish(10...12, on: tail)
        #expect(self.seqs(tail.frames(after: 4)) == nil)
        #expect(self.seqs(tail.frames(after: 5)) == [6, 7, 8])
        #expect(self.seqs(tail.frames(after: 6)) == [7, 8])
        #expect(self.seqs(tail.frames(after: 7)) == [8])
        #expect(self.seqs(tail.frames(after: 8)) == [9])
        #expect(self.seqs(tail.frames(after: 9)) == [10, 11, 12])
        #expect(self.seqs(tail.frames(after: 11)) == [12])
        #expect(self.seqs(tail.frames(after: 12)) == nil)
        #expect(self.seqs(tail.frames(after: 99)) == nil)
        #expect(tail.frames(after: 6)?.last == 8)
    }

    @Test func gapClearsTheRing() throws {
        let tail = self.opened(head: 5)
        try self.publish(6...7, on: tail)
        try self.publish(9...9, on: tail)
        #expect(tail.extent?.head == 9)
        #expect(self.seqs(tail.frames(after: 5)) == nil)
        #expect(self.seqs(tail.frames(after: 7)) == nil)
        #expect(self.seqs(tail.frames(after: 8)) == [9])
    }

    @Test func runThatOverlapsIsReadableThroughout() throws {
        let tail = self.opened(head: 5)
        try self.publish(6...7, on: tail)
        try self.publish(7...9, on: tail)
        #expect(tail.extent?.head == 9)
        for after in 6..<9 {
            #expect(self.seqs(tail.frames(after: after)) == Array(after + 1...9))
        }
    }

    @Test func ringIsBoundedInBytes() throws {
        let tail = self.opened(head: 0)
        for seq in 1...100 {
            try self.publish(seq...seq, on: tail, size: 10_000)
            #expect(self.budget.usedBytes <= Tail.ringLimit)
        }
        #expect(tail.frames(after: 0) == nil)
        #expect(self.seqs(tail.frames(after: 99)) == [100])
        let oldest = try #require((0..<100).first { tail.frames(after: $0) != nil })
        #expect((85...95).contains(oldest))
        #expect((oldest..<100).allSatisfy { self.seqs(tail.frames(after: $0)) == [$0 + 1] })
    }

    @Test func newestRunIsKeptWhateverItsSize() throws {
        let tail = self.opened(head: 0)
        try self.publish(1...2, on: tail)
        try self.publish(3...4, on: tail, size: Tail.ringLimit)
        #expect(tail.frames(after: 1) == nil)
        #expect(self.seqs(tail.frames(after: 2)) == [3, 4])
        try self.publish(5...5, on: tail)
        #expect(tail.frames(after: 2) == nil)
        #expect(self.seqs(tail.frames(after: 4)) == [5])
    }

    @Test func overBudgetOnlyTheNewestRunIsKept() throws {
        let budget = RingBudget(limit: 3_000)
        let (one, other) = (Tail(budget: budget), Tail(budget: budget))
        for seq in 1...2 {
            try self.publish(seq...seq, on: one, size: 1_000)
        }
        #expect(one.frames(after: 0) != nil)
        try self.publish(1...1, on: other, size: 1_000)
        #expect(budget.isExceeded)
        try self.publish(2...2, on: other, size: 1_000)
        #expect(other.frames(after: 0) == nil)
        #expect(other.frames(after: 1) != nil)
        try self.publish(3...3, on: one, size: 1_000)
        #expect(one.frames(after: 1) == nil)
        #expect(one.frames(after: 2) != nil)
        #expect(!budget.isExceeded)
    }

    @Test func budgetIsGivenBack() throws {
        do {
            let tail = self.opened(head: 0)
            try self.publish(1...3, on: tail)
            #expect(self.budget.usedBytes > 0)
        }
        #expect(self.budget.usedBytes == 0)
    }
}
