// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import HubTestSupport
import NIOCore
import Testing

/// Who is interested in a tail, and the newest entries it remembers.
@Suite struct TailInterestTests {
    private let budget = RingBudget(limit: 1 << 30)

    private func opened(_ page: TapePage) -> Tail {
        let tail = Tail(budget: self.budget)
        tail.opened(page)
        return tail
    }

    @discardableResult
    private func publish(_ entries: [TapeEntry], on tail: Tail) throws -> [Int]? {
        tail.publish(try #require(TailTests.encoder.run(entries)), entries: entries)
    }

    // MARK: - Interest

    @Test func loopsAreToldAsLongAsTheyHaveSubscribers() throws {
        let tail = self.opened(TailTests.page(head: 0))
        #expect(try self.publish(TailTests.entries(1...1), on: tail) == [])
        #expect(tail.join(loop: 2, wantsNewest: false) == .joined(Extent(epoch: "k3", first: 1, head: 1), newest: []))
        #expect(tail.join(loop: 0, wantsNewest: false) == .joined(Extent(epoch: "k3", first: 1, head: 1), newest: []))
        _ = tail.join(loop: 2, wantsNewest: false)
        #expect(try self.publish(TailTests.entries(2...2), on: tail)?.sorted() == [0, 2])
        tail.leave(loop: 2)
        #expect(try self.publish(TailTests.entries(3...3), on: tail)?.sorted() == [0, 2])
        tail.leave(loop: 2)
        #expect(try self.publish(TailTests.entries(4...4), on: tail) == [0])
        tail.leave(loop: 0)
        #expect(try self.publish(TailTests.entries(5...5), on: tail) == [])
    }

    @Test func joiningNeedsAnOpenTail() {
        let tail = Tail(budget: self.budget)
        #expect(tail.join(loop: 0, wantsNewest: false) == .unopened)
        tail.opened(TailTests.page(head: 3))
        #expect(tail.join(loop: 0, wantsNewest: false) == .joined(Extent(epoch: "k3", first: 1, head: 3), newest: []))
    }

    @Test func failedJoinCountsNobody() throws {
        let tail = Tail(budget: self.budget)
        _ = tail.join(loop: 0, wantsNewest: false)
        #expect(try self.publish(TailTests.entries(1...1), on: tail) == [])
    }

    @Test func retiringNeedsThatNobodyIsInterested() {
        let tail = self.opened(TailTests.page(head: 3))
        _ = tail.join(loop: 1, wantsNewest: false)
        #expect(!tail.retire())
        tail.leave(loop: 1)
        #expect(tail.retire())
        #expect(tail.join(loop: 1, wantsNewest: false) == .retired)
    }

    @Test func leavingWithoutJoiningIsNothing() throws {
        let tail = self.opened(TailTests.page(head: 0))
        tail.leave(loop: 3)
        _ = tail.join(loop: 3, wantsNewest: false)
        #expect(try self.publish(TailTests.entries(1...1), on: tail) == [3])
    }

    // MARK: - Newest of each slot

    @Test func newestOfEachSlotAscends() throws {
        let slots = ["USD", "EUR", "USD", "GBP", "EUR"]
        let tail = self.opened(TailTests.page(head: 0))
        try self.publish(TailTests.entries(1...3) { slots[$0 - 1] }, on: tail)
        #expect(tail.newest(from: 1)?.map(\.seq) == [2, 3])
        try self.publish(TailTests.entries(4...5) { slots[$0 - 1] }, on: tail)
        #expect(tail.newest(from: 1)?.map(\.seq) == [3, 4, 5])
        #expect(tail.newest(from: 1)?.map(\.slot) == ["USD", "GBP", "EUR"])
        #expect(tail.newest(from: 4)?.map(\.seq) == [4, 5])
        #expect(tail.newest(from: 6) == [])
    }

    @Test func newestOfTheTapeAndThePublicationsAreMerged() throws {
        let tail = Tail(budget: self.budget)
        try self.publish(TailTests.entries(8...9) { $0 == 8 ? "EUR" : "GBP" }, on: tail)
        let read = TailTests.entries(2...2) { _ in "CHF" } + TailTests.entries(6...7) { $0 == 6 ? "EUR" : "USD" }
        tail.opened(TailTests.page(head: 7, newest: read))
        #expect(tail.newest(from: 1)?.map(\.seq) == [2, 7, 8, 9])
        #expect(tail.newest(from: 1)?.map(\.slot) == ["CHF", "USD", "EUR", "GBP"])
    }

    @Test func thereMayBeAnyNumberOfSlots() throws {
        let tail = self.opened(TailTests.page(head: 0))
        try self.publish(TailTests.entries(1...1000) { "s\($0)" }, on: tail)
        try self.publish(TailTests.entries(1001...1001) { _ in "s4" }, on: tail)
        #expect(tail.newest(from: 1)?.map(\.seq) == Array(1...3) + Array(5...1001))
    }

    // MARK: - After a gap

    @Test func newestBeforeAGapAreNotKnown() throws {
        let tail = self.opened(TailTests.page(head: 0))
        try self.publish(TailTests.entries(1...2) { $0 == 1 ? "EUR" : "USD" }, on: tail)
        try self.publish(TailTests.entries(4...4) { _ in "USD" }, on: tail)
        #expect(tail.newest(from: 3) == nil)
        #expect(tail.newest(from: 1) == nil)
        #expect(tail.newest(from: 4)?.map(\.seq) == [4])
        #expect(tail.needsOpening)
        #expect(tail.join(loop: 0, wantsNewest: true) == .unopened)
        #expect(
            tail.join(loop: 0, wantsNewest: false) == .joined(Extent(epoch: "k3", first: 1, head: 4), newest: [])
        )
    }

    @Test func readThatCoversTheGapMakesTheNewestKnown() throws {
        let tail = self.opened(TailTests.page(head: 0))
        try self.publish(TailTests.entries(4...4) { _ in "USD" }, on: tail)
        tail.opened(TailTests.page(head: 2, newest: TailTests.entries(2...2) { _ in "EUR" }))
        #expect(tail.needsOpening)
        tail.opened(TailTests.page(head: 3, newest: TailTests.entries(2...3) { $0 == 2 ? "EUR" : "CHF" }))
        #expect(!tail.needsOpening)
        #expect(tail.newest(from: 1)?.map(\.seq) == [2, 3, 4])
        let newest = TailTests.entries(2...4) { ["EUR", "CHF", "USD"][$0 - 2] }
        #expect(
            tail.join(loop: 0, wantsNewest: true) == .joined(Extent(epoch: "k3", first: 1, head: 4), newest: newest)
        )
    }

    @Test func publicationBeforeOpeningLeavesNoFalseNewest() throws {
        let tail = Tail(budget: self.budget)
        try self.publish(TailTests.entries(7...7) { _ in "USD" }, on: tail)
        tail.opened(TailTests.page(head: 5, newest: TailTests.entries(5...5) { _ in "EUR" }))
        #expect(tail.newest(from: 6) == nil)
        #expect(tail.join(loop: 0, wantsNewest: true) == .unopened)
    }

    @Test func headThatIsLearnedIsAGapUpToIt() throws {
        let tail = self.opened(TailTests.page(head: 0))
        _ = tail.join(loop: 2, wantsNewest: false)
        try self.publish(TailTests.entries(1...2) { $0 == 1 ? "EUR" : "USD" }, on: tail)
        #expect(tail.learned(head: 2) == nil)
        #expect(tail.learned(head: 4) == [2])
        #expect(tail.extent?.head == 4)
        #expect(tail.frames(after: 1) == nil)
        #expect(tail.newest(from: 4) == nil)
        #expect(tail.join(loop: 2, wantsNewest: true) == .unopened)
        #expect(self.budget.usedBytes == 0)
        #expect(try self.publish(TailTests.entries(3...4), on: tail) == nil)
        #expect(try self.publish(TailTests.entries(5...5) { _ in "USD" }, on: tail) == [2])
        #expect(tail.newest(from: 5)?.map(\.seq) == [5])
        tail.opened(TailTests.page(head: 4, newest: TailTests.entries(3...4) { $0 == 3 ? "EUR" : "GBP" }))
        #expect(tail.newest(from: 1)?.map(\.seq) == [3, 4, 5])
    }

    @Test func whatAnotherNodeTellsCountsWhereItFollows() throws {
        func hear(_ numbers: ClosedRange<Int>, on tail: Tail) throws -> Tail.OnHeard {
            let entries = TailTests.entries(numbers)
            return tail.hear(try #require(TailTests.encoder.run(entries)), entries: entries)
        }
        let unopened = Tail(budget: self.budget)
        #expect(try hear(1...1, on: unopened) == .unproven)
        let tail = self.opened(TailTests.page(head: 3))
        _ = tail.join(loop: 2, wantsNewest: false)
        #expect(try hear(5...6, on: tail) == .unproven)
        #expect(try hear(2...3, on: tail) == .known)
        #expect(tail.extent?.head == 3)
        #expect(tail.newest(from: 1)?.map(\.seq) == [3])
        #expect(try hear(4...5, on: tail) == .news([2]))
        #expect(try hear(5...6, on: tail) == .news([2]))
        #expect(tail.extent?.head == 6)
        #expect(tail.frames(after: 5)?.last == 6)
    }

    @Test func unopenedTailLearnsNothing() throws {
        let tail = Tail(budget: self.budget)
        #expect(tail.learned(head: 4) == nil)
        tail.opened(TailTests.page(head: 2))
        #expect(tail.extent?.head == 2)
    }

    @Test func retentionMovesTheFirst() {
        let tail = self.opened(TailTests.page(head: 9))
        tail.pruned(first: 4)
        #expect(tail.extent == Extent(epoch: "k3", first: 4, head: 9))
        tail.pruned(first: 2)
        #expect(tail.extent?.first == 4)
        tail.pruned(first: 10)
        #expect(tail.extent == Extent(epoch: "k3", first: 10, head: 9))
    }
}
