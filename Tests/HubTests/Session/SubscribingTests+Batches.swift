// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Many channels at once, leaving, and coming again.
@Suite(.timeLimit(.minutes(1))) struct SubscribingBatchTests {
    @Test func batchIsAnsweredPerChannel() async throws {
        try await withHub { hub in
            try await hub.publish(2, on: "note:b")
            let client = try await hub.connect()
            try await client.send(
                #"{"op":"subscribe","id":1,"channels":[{"channel":"note:a"},{"channel":"mine:x"},"#
                    + #"{"channel":"note:b","since":1},{"channel":"nope:x"},{"channel":"note:a"}]}"#
            )
            let answers = try await client.expect(5, "subscribed", "error")
            #expect(answers.allSatisfy { $0["id"]?.integer(in: .seq) == 1 })
            let told = Set(answers.map { "\($0["channel"]?.string ?? "?") \($0["code"]?.string ?? "ok")" })
            #expect(
                told == [
                    "note:a ok", "mine:x not_authenticated", "note:b ok", "nope:x unknown_type",
                    "note:a already_subscribed",
                ]
            )
            #expect(try await client.events(on: "note:b", through: 2) == [2])
            #expect(await hub.subscriptionCount() == 2)
        }
    }

    @Test func batchIsOpenedByOneRead() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            let channels = (0..<100).map { #"{"channel":"note:\#($0)"}"# }.joined(separator: ",")
            try await client.send(#"{"op":"subscribe","id":1,"channels":[\#(channels)]}"#)
            try await client.expect(100, "subscribed")
            #expect(hub.tape.log.latests.map(\.count) == [100])
        }
    }

    @Test func subscribingTwiceIsRefusedAndHarmless() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await client.send(#"{"op":"subscribe","id":2,"channel":"note:k","since":0}"#)
            #expect(try await client.answer(2, op: "error")["code"]?.string == "already_subscribed")
            try await hub.publish(2, on: "note:k")
            #expect(try await client.events(on: "note:k", through: 2) == [1, 2])
        }
    }

    @Test func unsubscribedChannelIsSilent() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await hub.publish("note:k")
            try await client.events(on: "note:k", through: 1)
            try await client.send(#"{"op":"unsubscribe","id":3,"channel":"note:k"}"#)
            #expect(try await client.answer(3).json == #"{"op":"unsubscribed","id":3,"channel":"note:k"}"#)
            #expect(await hub.subscriptionCount() == 0)
            try await hub.publish("note:k")
            try await client.subscribe("note:k", #""since":2"#)
            try await hub.publish("note:k")
            #expect(try await client.events(on: "note:k", through: 3) == [1, 3])
        }
    }

    @Test func privateTypeAloneIsUnsubscribedToo() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1")
            try await client.subscribe("mine")
            try await client.send(#"{"op":"unsubscribe","id":3,"channel":"mine"}"#)
            #expect(try await client.answer(3)["channel"]?.string == "mine:u_1")
        }
    }

    @Test(arguments: ["note:k", "note", "", "mine", "nope:x"])
    func unsubscribingFromNothingIsAnError(channel: String) async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.send(#"{"op":"unsubscribe","id":3,"channel":"\#(channel)"}"#)
            #expect(try await client.answer(3, op: "error")["code"]?.string == "not_subscribed")
        }
    }

    @Test func sinceIsWhereAReturningClientGoesOn() async throws {
        try await withHub { hub in
            var seen: [Int] = []
            for round in 0..<4 {
                let client = try await hub.connect()
                let cursor = round == 0 ? 0 : seen.last ?? 0
                try await client.subscribe("note:k", #""since":\#(cursor)"#)
                let last = try await hub.publish("note:k")
                seen += try await client.events(on: "note:k", through: last)
                await client.end()
                try await hub.publish(3, on: "note:k")
            }
            #expect(seen == Array(1...13))
        }
    }

    @Test func tooManySubscriptionsEndTheConnection() async throws {
        var configuration = HubConfiguration.forTests
        configuration.shard.subscriptionsPerMember = 2
        try await withHub(configuration) { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:a")
            try await client.subscribe("note:b")
            try await client.send(#"{"op":"unsubscribe","channel":"note:b"}"#)
            try await client.subscribe("note:c")
            try await client.send(#"{"op":"subscribe","id":9,"channel":"note:d"}"#)
            #expect(try await client.answer(9)["code"]?.string == "too_many_subscriptions")
            #expect(try await client.closing() == .tooManySubscriptions(limit: 2))
            #expect(await hub.subscriptionCount() == 0)
        }
    }

    @Test func subscriptionsAreCountedAndListed() async throws {
        try await withHub(loops: 2) { hub in
            let one = try await hub.connect(on: 0)
            let other = try await hub.connect(on: 1)
            try await one.subscribe("note:a")
            try await one.subscribe("note:b")
            try await other.subscribe("note:a")
            #expect(await hub.subscriptionCount() == 3)
            let names = await one.session.shard.subscriptions(of: one.session).map(\.description)
            #expect(Set(names) == ["note:a", "note:b"])
            #expect(hub.hub.registry.count == 2)
            await one.end()
            #expect(await hub.subscriptionCount() == 1)
            #expect(await hub.hub.registry.removeIdle() == 1)
            try await hub.publish("note:a")
            #expect(try await other.events(on: "note:a", through: 1) == [1])
        }
    }
}
