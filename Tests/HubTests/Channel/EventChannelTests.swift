// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import TestSupport
import Testing

@Suite struct EventChannelTests {
    private let loops = Loops.take(4)

    private func channel(budget: RingBudget = RingBudget(limit: 1 << 20)) -> EventChannel {
        EventChannel(
            name: ChannelStateTests.name,
            type: EventType(name: "t", readers: .everyone, delivery: .every),
            framing: .bare,
            budget: budget,
            loop: self.loops[0]
        )
    }

    private func opened(head: Int, budget: RingBudget = RingBudget(limit: 1 << 20)) async -> EventChannel {
        let channel = self.channel(budget: budget)
        await channel.opened(ChannelStateTests.page(head: head))
        return channel
    }

    /// A loop's copy, which follows from then on.
    private func follow(
        _ channel: EventChannel,
        on index: Int,
        wantsNewest: Bool = false,
        trust: TimeAmount? = nil
    ) async throws -> ChannelState? {
        let loop = self.loops[index]
        let type = channel.type
        let follower = try await loop.submit {
            let local = LocalChannel(name: ChannelStateTests.name, type: type)
            return ChannelFollower(index: index, channel: NIOLoopBound(local, eventLoop: loop))
        }.get()
        return await channel.follow(follower, wantsNewest: wantsNewest, trust: trust)
    }

    private func indices(_ broadcast: Broadcast?) -> [Int]? {
        broadcast?.followers.map(\.index).sorted()
    }

    private func publish(_ numbers: ClosedRange<Int>, on channel: EventChannel, size: Int = 2) async -> [Int]? {
        self.indices(await channel.publish(ChannelStateTests.entries(numbers, size: size)))
    }

    // MARK: - Publishing

    @Test func eventsGoToTheLoopsThatFollow() async throws {
        let channel = await self.opened(head: 0)
        #expect(await self.publish(1...1, on: channel) == nil)
        #expect(try await self.follow(channel, on: 2)?.head == 1)
        #expect(try await self.follow(channel, on: 0)?.head == 1)
        _ = try await self.follow(channel, on: 2)
        let broadcast = try #require(await channel.publish(ChannelStateTests.entries(2...3)))
        #expect(self.indices(broadcast) == [0, 2])
        guard case .events(let run, let entries, _) = broadcast.change else { throw TimedOut(what: "events", state: "") }
        #expect(run.first == 2 && run.last == 3)
        #expect(entries.map(\.seq) == [2, 3])
        await channel.unfollow(index: 2)
        #expect(await self.publish(4...4, on: channel) == [0])
        await channel.unfollow(index: 3)
        await channel.unfollow(index: 0)
        #expect(await self.publish(5...5, on: channel) == nil)
        #expect(await !channel.hasFollowers)
    }

    @Test(arguments: [(6...6, true), (4...6, true), (9...9, true), (5...5, false), (1...5, false)])
    func whatIsKnownIsNotPublishedAgain(run: ClosedRange<Int>, isNew: Bool) async throws {
        let channel = await self.opened(head: 5)
        _ = try await self.follow(channel, on: 1)
        #expect((await self.publish(run, on: channel) != nil) == isNew)
        #expect(await channel.publish([]) == nil)
        #expect(await channel.extent?.head == max(5, run.upperBound))
    }

    /// A channel is asked for again while it is being read, and then read again. What the second read saw may be
    /// committed but not yet published: the publication must not count as known.
    @Test func secondReadDoesNotSwallowAPublication() async throws {
        let channel = await self.opened(head: 5)
        #expect(try await self.follow(channel, on: 0)?.extent == Extent(epoch: "k3", first: 1, head: 5))
        await channel.opened(ChannelStateTests.page(head: 6))
        #expect(await self.publish(6...6, on: channel) == [0])
    }

    @Test func headThatIsLearnedGoesToTheLoopsOnce() async throws {
        let channel = self.channel()
        #expect(await channel.learned(head: 4) == nil)
        await channel.opened(ChannelStateTests.page(head: 2))
        #expect(await channel.extent?.head == 2)
        _ = try await self.follow(channel, on: 2)
        #expect(await channel.learned(head: 2) == nil)
        #expect(self.indices(await channel.learned(head: 4)) == [2])
        #expect(await channel.learned(head: 4) == nil)
        #expect(await self.publish(3...4, on: channel) == nil)
        #expect(await self.publish(5...5, on: channel) == [2])
    }

    @Test func whatAnotherNodeAnnouncesCountsWhereItFollows() async throws {
        func receive(_ numbers: ClosedRange<Int>, on channel: EventChannel) async -> (loops: [Int]?, isUnproven: Bool) {
            let (broadcast, isUnproven) = await channel.receive(announced: ChannelStateTests.entries(numbers))
            return (self.indices(broadcast), isUnproven)
        }
        #expect(await receive(1...1, on: self.channel()) == (nil, true))
        let channel = await self.opened(head: 3)
        _ = try await self.follow(channel, on: 2)
        #expect(await receive(5...6, on: channel) == (nil, true))
        #expect(await receive(2...3, on: channel) == (nil, false))
        #expect(await channel.extent?.head == 3)
        #expect(await receive(4...5, on: channel) == ([2], false))
        #expect(await receive(5...6, on: channel) == ([2], false))
        #expect(await channel.extent?.head == 6)
    }

    // MARK: - Following

    @Test func followingTakesAReadChannel() async throws {
        let channel = self.channel()
        #expect(try await self.follow(channel, on: 0) == nil)
        #expect(await !channel.hasFollowers)
        await channel.opened(ChannelStateTests.page(head: 3))
        #expect(try await self.follow(channel, on: 0)?.head == 3)
    }

    @Test func aSnapshotTakesAllNewest() async throws {
        let channel = await self.opened(head: 0)
        _ = await self.publish(4...4, on: channel)
        #expect(try await self.follow(channel, on: 0, wantsNewest: true) == nil)
        #expect(try await self.follow(channel, on: 0)?.newest.map(\.seq) == [4])
        await channel.opened(ChannelStateTests.page(head: 3))
        #expect(try await self.follow(channel, on: 1, wantsNewest: true)?.newest.map(\.seq) == [4])
    }

    @Test func firstFollowerTrustsAReadForAWhile() async throws {
        let channel = await self.opened(head: 3)
        #expect(try await self.follow(channel, on: 0, trust: .zero) == nil)
        #expect(try await self.follow(channel, on: 0, trust: .hours(1)) != nil)
        #expect(try await self.follow(channel, on: 1, trust: .zero) != nil)
    }

    // MARK: - Budget

    @Test func overBudgetOnlyTheNewestRunIsKept() async throws {
        let budget = RingBudget(limit: 3_000)
        let one = await self.opened(head: 0, budget: budget)
        let other = await self.opened(head: 0, budget: budget)
        for seq in 1...2 { _ = await self.publish(seq...seq, on: one, size: 1_000) }
        #expect(try await self.follow(one, on: 0)?.frames(after: 0) != nil)
        for seq in 1...2 { _ = await self.publish(seq...seq, on: other, size: 1_000) }
        #expect(try await self.follow(other, on: 0)?.frames(after: 0) == nil)
        _ = await self.publish(3...3, on: one, size: 1_000)
        #expect(try await self.follow(one, on: 1)?.frames(after: 2) != nil)
        #expect(!budget.isExceeded)
    }

    @Test func budgetIsGivenBack() async throws {
        let budget = RingBudget(limit: 1 << 20)
        do {
            let channel = await self.opened(head: 0, budget: budget)
            _ = await self.publish(1...3, on: channel)
            #expect(budget.usedBytes > 0)
            await channel.opened(ChannelStateTests.page(head: 9))
            #expect(budget.usedBytes == 0)
            _ = await self.publish(10...10, on: channel)
        }
        #expect(budget.usedBytes == 0)
    }
}
