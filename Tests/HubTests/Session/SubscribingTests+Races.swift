// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// What is published while a channel is being opened: every event after the answered head follows, none twice.
@Suite(.timeLimit(.minutes(1))) struct SubscribingRaceTests {
    private static func expectPinned(_ client: TestClient, _ channel: String, through last: Int) async throws {
        let seqs = try await client.events(on: channel, through: last)
        let answer = try #require(client.messages("subscribed").first { $0["channel"]?.string == channel })
        let head = try #require(answer["head"]?.integer(in: .seq))
        #expect(seqs == Array(head + 1...last))
    }

    @Test(arguments: ["note:k", "price:k"], [1, 2])
    func publishingBeforeTheReadBelongsToTheHead(channel: String, loops: Int) async throws {
        try await withHub(loops: loops) { hub in
            try await hub.publish(2, on: channel)
            let client = try await hub.connect(on: loops - 1)
            hub.tape.latests.close()
            try await client.send(#"{"op":"subscribe","channel":"\#(channel)"}"#)
            try await hub.tape.latests.waitForArrivals(1)
            try await hub.publish(3, on: channel)
            hub.tape.latests.open()
            try await client.expect(1, "subscribed")
            #expect(client.messages("subscribed").first?["head"]?.integer(in: .seq) == 5)
            let last = try await hub.publish(channel)
            try await Self.expectPinned(client, channel, through: last)
        }
    }

    @Test(arguments: ["note:k", "price:k"], [1, 2])
    func publishingAfterTheReadIsNotLost(channel: String, loops: Int) async throws {
        try await withHub(loops: loops) { hub in
            try await hub.publish(2, on: channel)
            let client = try await hub.connect(on: loops - 1)
            hub.tape.readLatests.close()
            try await client.send(#"{"op":"subscribe","channel":"\#(channel)"}"#)
            try await hub.tape.readLatests.waitForArrivals(1)
            try await hub.publish(3, on: channel)
            hub.tape.readLatests.open()
            try await client.expect(1, "subscribed")
            // The read returned 2; the channel has received 5 in the meantime.
            #expect(client.messages("subscribed").first?["head"]?.integer(in: .seq) == 5)
            #expect(
                client.messages("snapshot").map { $0["seq"]?.integer(in: .seq) } == (channel == "price:k" ? [5] : [])
            )
            let last = try await hub.publish(channel)
            try await Self.expectPinned(client, channel, through: last)
        }
    }

    /// Committed, but not yet delivered to subscribers when the channel is read.
    @Test func commitThatIsReadBeforeItIsPublishedIsNotDeliveredTwice() async throws {
        try await withHub { hub in
            try await hub.publish("note:k")
            let early = try await hub.connect()
            hub.tape.latests.close()
            try await early.send(#"{"op":"subscribe","channel":"note:k","since":0}"#)
            try await hub.tape.latests.waitForArrivals(1)
            try await hub.publish("note:k")
            hub.tape.latests.open()
            try await early.expect(1, "caughtUp")
            let last = try await hub.publish("note:k")
            #expect(try await early.events(on: "note:k", through: last) == [1, 2, 3])
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5])
    func subscribersThatComeDuringPublishingMissNothing(round: Int) async throws {
        try await withHub(loops: 2) { hub in
            var clients: [TestClient] = []
            for index in 0..<6 { clients.append(try await hub.connect(on: index % 2)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for _ in 0..<100 { try await hub.publish("note:k") }
                }
                for (index, client) in clients.enumerated() {
                    let tail = index < 3 ? "" : #","since":0"#
                    group.addTask { try await client.send(#"{"op":"subscribe","channel":"note:k"\#(tail)}"#) }
                }
                try await group.waitForAll()
            }
            for client in clients { try await client.expect(1, "subscribed") }
            let last = try await hub.publish("note:k")
            for (index, client) in clients.enumerated() {
                if index < 3 {
                    try await Self.expectPinned(client, "note:k", through: last)
                } else {
                    #expect(try await client.events(on: "note:k", through: last) == Array(1...last))
                }
            }
        }
    }

    /// Asked for again while its first read is under way, then read a second time with someone in it already.
    @Test func channelThatIsReadTwiceLosesNothing() async throws {
        try await withHub { hub in
            try await hub.publish("note:k")
            let clients = try await [hub.connect(), hub.connect(), hub.connect()]
            hub.tape.readLatests.close()
            try await clients[0].send(#"{"op":"subscribe","channel":"note:k"}"#)
            try await hub.tape.readLatests.waitForArrivals(1)
            try await clients[1].send(#"{"op":"subscribe","channel":"note:k"}"#)
            try await hub.settle()
            hub.tape.readLatests.letOnePass()
            try await clients[0].expect(1, "subscribed")
            try await clients[2].subscribe("note:k")
            try await hub.publish("note:k")
            hub.tape.readLatests.open()
            try await clients[1].expect(1, "subscribed")
            let last = try await hub.publish("note:k")
            for client in clients {
                try await Self.expectPinned(client, "note:k", through: last)
            }
        }
    }

    @Test func unreadableChannelIsRefusedAndWorksLater() async throws {
        try await withHub { hub in
            hub.tape.fail(.latest, .before(.unavailable("disk gone")))
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","id":1,"channels":[{"channel":"note:a"},{"channel":"note:b"}]}"#)
            let answers = try await client.expect(2, "error")
            #expect(answers.map { $0["code"]?.string } == ["unavailable", "unavailable"])
            #expect(answers.map { $0["action"]?.string } == ["retry", "retry"])
            #expect(answers.allSatisfy { $0["message"]?.string?.contains("disk") == false })
            try await client.subscribe("note:a")
            try await hub.publish("note:a")
            #expect(try await client.events(on: "note:a", through: 1) == [1])
        }
    }

    @Test func sessionThatEndsWhileItsChannelIsOpenedIsForgotten() async throws {
        try await withHub { hub in
            hub.tape.latests.close()
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","channel":"note:k"}"#, #"{"op":"subscribe","channel":"note:l"}"#)
            try await hub.tape.latests.waitForArrivals(1)
            await client.end()
            hub.tape.latests.open()
            try await eventually("the channel is given up") {
                _ = await hub.hub.registry.removeIdle()
                return hub.hub.registry.count == 0
            }
            #expect(await hub.subscriptionCount() == 0)
            #expect(client.messages("subscribed").isEmpty)
        }
    }

    @Test func channelGivenUpUnderItsFutureSubscriberIsMadeAnew() async throws {
        try await withHub { hub in
            try await hub.publish(2, on: "note:k")
            hub.tape.readLatests.close()
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","channel":"note:k"}"#)
            try await hub.tape.readLatests.waitForArrivals(1)
            #expect(await hub.hub.registry.removeIdle() == 1)
            hub.tape.readLatests.open()
            try await client.expect(1, "subscribed")
            let last = try await hub.publish("note:k")
            try await Self.expectPinned(client, "note:k", through: last)
        }
    }
}
