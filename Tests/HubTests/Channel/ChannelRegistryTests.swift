// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import Testing

@Suite struct ChannelRegistryTests {
    private static let type = EventType(name: "t", readers: .everyone, delivery: .every)

    private let loop: any EventLoop
    private let registry: ChannelRegistry

    init() {
        self.loop = Loops.take(1)[0]
        self.registry = ChannelRegistry(framing: .bare, budget: RingBudget(limit: 1 << 20), loop: self.loop)
    }

    private func channel(_ key: String) async -> EventChannel {
        await self.registry.channel(ChannelName(type: "t", key: key), type: Self.type)
    }

    private func follow(_ key: String) async throws -> ChannelRegistry.OnFollow {
        let name = ChannelName(type: "t", key: key)
        let loop = self.loop
        let follower = try await loop.submit {
            ChannelFollower(index: 0, channel: NIOLoopBound(LocalChannel(name: name, type: Self.type), eventLoop: loop))
        }.get()
        let wanted = WantedChannel(name: name, type: Self.type, wantsNewest: false)
        return await self.registry.follow(wanted, by: follower, trust: nil)
    }

    @Test func channelIsMadeOnce() async {
        let name = ChannelName(type: "t", key: "k")
        #expect(await self.registry.existing(name) == nil)
        let channel = await self.channel("k")
        #expect(await self.channel("k") === channel)
        #expect(await self.registry.existing(name) === channel)
        #expect(await self.channel("l") !== channel)
        #expect(self.registry.count == 2)
    }

    @Test func idleChannelsAreRemovedAndMadeAgain() async throws {
        let idle = await self.channel("idle")
        let page = TapePage(entries: [], extent: Extent(epoch: "e", first: 1, head: 0))
        guard case .unread(let busy) = try await self.follow("busy") else {
            Issue.record("followed before it was read")
            return
        }
        await self.registry.opened([(idle, page), (busy, page)])
        guard case .following(let followed, let state) = try await self.follow("busy") else {
            Issue.record("not followed")
            return
        }
        #expect(followed === busy)
        #expect(state.extent?.head == 0)
        #expect(await self.registry.followed.map(\.name.key) == ["busy"])
        #expect(await self.registry.removeIdle() == 1)
        #expect(self.registry.count == 1)
        #expect(await self.channel("busy") === busy)
        #expect(await self.channel("idle") !== idle)
        await busy.unfollow(index: 0)
        #expect(await self.registry.removeIdle() == 2)
        #expect(await self.registry.removeIdle() == 0)
        #expect(self.registry.count == 0)
    }
}
