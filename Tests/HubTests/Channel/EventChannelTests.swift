// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import HubTestSupport
import NIOCore
import Testing

@Suite struct EventChannelTests {
    private static func channel() -> EventChannel {
        EventChannel(
            name: TailTests.name,
            type: EventType(name: "t", readers: .everyone, delivery: .every),
            framing: .bare,
            budget: RingBudget(limit: 1 << 20),
            loop: Loops.take(1)[0]
        )
    }

    @Test func publicationGoesToTheLoopsThatAreInterested() async throws {
        let channel = Self.channel()
        channel.tail.opened(TailTests.page(head: 0))
        _ = channel.tail.join(loop: 1, wantsNewest: false)
        _ = channel.tail.join(loop: 3, wantsNewest: false)
        let publication = try #require(await channel.publish(TailTests.entries(1...3)))
        #expect(publication.channel === channel)
        #expect(publication.run.first == 1)
        #expect(publication.run.last == 3)
        #expect(publication.loops.sorted() == [1, 3])
    }

    @Test func thereIsNoPublicationForNobodyOrOfNothing() async {
        let channel = Self.channel()
        channel.tail.opened(TailTests.page(head: 2))
        #expect(await channel.publish(TailTests.entries(3...3)) == nil)
        #expect(channel.tail.extent?.head == 3)
        _ = channel.tail.join(loop: 0, wantsNewest: false)
        #expect(await channel.publish(TailTests.entries(2...3)) == nil)
        #expect(await channel.publish([]) == nil)
        #expect(await channel.publish(TailTests.entries(3...4)) != nil)
    }
}
