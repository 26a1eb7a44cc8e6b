// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import Testing

@Suite struct ChannelRegistryTests {
    private static let type = EventType(name: "t", readers: .everyone, delivery: .every)

    private let registry = ChannelRegistry(framing: .bare, budget: RingBudget(limit: 1 << 20), loop: Loops.take(1)[0])

    private func channel(_ key: String) -> EventChannel {
        self.registry.channel(ChannelName(type: "t", key: key), type: Self.type)
    }

    @Test func channelIsMadeOnce() {
        let name = ChannelName(type: "t", key: "k")
        #expect(self.registry.existing(name) == nil)
        let channel = self.channel("k")
        #expect(self.channel("k") === channel)
        #expect(self.registry.existing(name) === channel)
        #expect(self.channel("l") !== channel)
        #expect(self.registry.count == 2)
    }

    @Test func manyAtOnceGetTheSame() async {
        let channels = await withTaskGroup(of: EventChannel.self) { group in
            for index in 0..<200 {
                group.addTask { self.channel("\(index % 4)") }
            }
            return await group.reduce(into: [EventChannel]()) { $0.append($1) }
        }
        #expect(Set(channels.map(ObjectIdentifier.init)).count == 4)
        #expect(self.registry.count == 4)
    }

    @Test func idleChannelsAreGivenUpAndMadeAnew() {
        let idle = self.channel("idle")
        let busy = self.channel("busy")
        let page = TapePage(entries: [], extent: Extent(epoch: "e", first: 1, head: 0))
        idle.tail.opened(page)
        busy.tail.opened(page)
        _ = busy.tail.join(loop: 0, wantsNewest: false)
        #expect(self.registry.retireIdle() == 1)
        #expect(self.registry.count == 1)
        #expect(self.channel("busy") === busy)
        #expect(self.channel("idle") !== idle)
        #expect(idle.tail.join(loop: 0, wantsNewest: false) == .retired)
        busy.tail.leave(loop: 0)
        #expect(self.registry.retireIdle() == 2)
        #expect(self.registry.retireIdle() == 0)
    }
}
