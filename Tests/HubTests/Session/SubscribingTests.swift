// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Who may subscribe to what, and what is answered.
@Suite(.timeLimit(.minutes(1))) struct SubscribingTests {
    @Test func eventsFollowInOrder() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            let answer = try await client.subscribe("note:k", #""id":7"#)
            #expect(answer["id"]?.integer(in: .seq) == 7)
            #expect(answer["head"]?.integer(in: .seq) == 0)
            for _ in 1...5 { try await hub.publish("note:k") }
            #expect(try await client.events(on: "note:k", through: 5) == [1, 2, 3, 4, 5])
        }
    }

    @Test func privateTypeAloneMeansOnesOwn() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1")
            let answer = try await client.subscribe("balanceUpdate")
            #expect(answer["channel"]?.string == "balanceUpdate:u_1")
            try await hub.publish([
                ("balanceUpdate:u_2", #"{"balance":"2"}"#), ("balanceUpdate:u_1", #"{"balance":"1"}"#),
            ])
            try await client.events(on: "balanceUpdate:u_1", through: 1)
            #expect(client.messages("event").map { $0["data"]?.json } == [#"{"balance":"1"}"#])
        }
    }

    @Test(
        arguments: [
            (nil, "balanceUpdate", "not_authenticated"), (nil, "balanceUpdate:u_2", "not_authenticated"),
            (nil, "ops:x", "not_authenticated"), (nil, "note", "bad_request"), (nil, "note:", "bad_request"),
            (nil, "", "bad_request"), (nil, ":", "bad_request"),
            (nil, "nope:x", "unknown_type"), (nil, "nope", "bad_request"),
            ("u_1", "balanceUpdate:u_2", "forbidden"), ("u_1", "mine:u_11", "forbidden"), ("u_1", "ops:x", "forbidden"),
            ("u_1 read:balanceUpdate", "mine:u_2", "forbidden"), ("u_1", "note", "bad_request"),
            ("u_1", "note:a\\u0000b", "bad_request"), ("u_1", "note:\\u0301", nil),
            (nil, "note:x", nil), ("u_1", "mine:u_1", nil), ("a read:*", "balanceUpdate:u_2", nil),
            ("a read:balanceUpdate", "balanceUpdate:u_2", nil), ("o read:ops", "ops:x", nil),
        ] as [(String?, String, String?)]
    )
    func readersAreChecked(token: String?, channel: String, code: String?) async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: token)
            try await client.send(#"{"op":"subscribe","id":1,"channel":"\#(channel)"}"#)
            let answer = try await client.answer(1)
            #expect(answer["code"]?.string == code, "\(answer.json)")
            #expect(answer["op"]?.string == (code == nil ? "subscribed" : "error"))
            #expect(await hub.subscriptionCount() == (code == nil ? 1 : 0))
        }
    }

    @Test func anonymousReadingCanBeTurnedOff() async throws {
        var configuration = HubConfiguration.forTests
        configuration.allowsAnonymousReading = false
        try await withHub(configuration) { hub in
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k"}"#)
            #expect(try await client.answer(1)["code"]?.string == "not_authenticated")
            let known = try await hub.connect(token: "u")
            try await known.subscribe("note:k")
        }
    }

    // MARK: - How it begins

    struct Beginning: Sendable, CustomTestStringConvertible {
        var channel: String
        var more: String
        var mode: String
        /// After `subscribed`, before anything else is published.
        var follows: [String]

        var testDescription: String { "\(self.channel) \(self.more)" }
    }

    /// Each channel has three events: for `purse` USD, EUR, USD.
    @Test(arguments: [
        Beginning(channel: "note:k", more: "", mode: "live", follows: []),
        Beginning(channel: "note:k", more: #""snapshot":true"#, mode: "snapshot", follows: ["snapshot 3"]),
        Beginning(channel: "note:k", more: #""snapshot":false"#, mode: "live", follows: []),
        Beginning(
            channel: "note:k",
            more: #""since":0"#,
            mode: "resumed",
            follows: ["event 1", "event 2", "event 3", "caughtUp 3"]
        ),
        Beginning(channel: "note:k", more: #""since":2"#, mode: "resumed", follows: ["event 3", "caughtUp 3"]),
        Beginning(channel: "note:k", more: #""since":3"#, mode: "resumed", follows: ["caughtUp 3"]),
        Beginning(channel: "price:k", more: "", mode: "snapshot", follows: ["snapshot 3"]),
        Beginning(channel: "price:k", more: #""snapshot":false"#, mode: "live", follows: []),
        Beginning(
            channel: "price:k",
            more: #""since":1,"snapshot":true"#,
            mode: "resumed",
            follows: ["event 2", "event 3", "caughtUp 3"]
        ),
        Beginning(channel: "purse:k", more: "", mode: "snapshot", follows: ["snapshot 2", "snapshot 3"]),
        Beginning(channel: "price:new", more: "", mode: "live", follows: []),
        Beginning(channel: "note:new", more: #""snapshot":true"#, mode: "live", follows: []),
        Beginning(channel: "note:new", more: #""since":0"#, mode: "resumed", follows: ["caughtUp 0"]),
    ])
    func subscriptionBeginsAsAsked(beginning: Beginning) async throws {
        try await withHub { hub in
            let eur = #"{"currency":"EUR"}"#
            for channel in ["note:k", "price:k", "purse:k"] {
                try await hub.publish([(channel, "{}"), (channel, eur), (channel, "{}")])
            }
            let client = try await hub.connect()
            let answer = try await client.subscribe(beginning.channel, beginning.more)
            #expect(answer["mode"]?.string == beginning.mode)
            #expect(answer["head"]?.integer(in: .seq) == (beginning.channel.hasSuffix("new") ? 0 : 3))
            if beginning.mode == "resumed" { try await client.expect(1, "caughtUp") }
            let next = try await hub.publish(beginning.channel)
            try await client.events(on: beginning.channel, through: next)
            let story = client.messages("event", "snapshot", "caughtUp").map {
                "\($0["op"]?.string ?? "?") \($0["seq"]?.integer(in: .seq) ?? -1)"
            }
            #expect(story == beginning.follows + ["event \(next)"])
        }
    }

    @Test func sinceTheHeadIsCaughtUpAtOnce() async throws {
        try await withHub { hub in
            try await hub.publish(3, on: "note:k")
            let client = try await hub.connect()
            try await client.subscribe("note:k", #""since":3"#)
            let caughtUp = try #require(try await client.expect(1, "caughtUp").first)
            #expect(caughtUp.json == #"{"op":"caughtUp","channel":"note:k","seq":3}"#)
        }
    }

    @Test(arguments: [
        (#""since":4"#, "cursor_expired", "4 is beyond the head, which is 3"),
        (#""since":9007199254740991"#, "cursor_expired", "beyond the head"),
        (#""since":3,"epoch":"other""#, "epoch_changed", "not other"),
        (#""epoch":"other""#, "epoch_changed", "not other"),
    ])
    func cursorThatDoesNotFitIsRefusedAtOnce(more: String, code: String, part: String) async throws {
        try await withHub { hub in
            try await hub.publish(3, on: "note:k")
            let client = try await hub.connect()
            try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k",\#(more)}"#)
            let answer = try await client.answer(1, op: "error")
            #expect(answer["code"]?.string == code)
            #expect(answer["action"]?.string == "snapshot")
            #expect(answer["channel"]?.string == "note:k")
            #expect(answer["message"]?.string?.contains(part) == true, "\(answer.json)")
            #expect(await hub.subscriptionCount() == 0)
        }
    }

    @Test func epochOfTheTapeFits() async throws {
        try await withHub { hub in
            let receipts = try await hub.publish([("note:k", "{}"), ("note:k", "{}")])
            let epoch = try #require(receipts.first?.positions.first?.epoch)
            let client = try await hub.connect()
            let answer = try await client.subscribe("note:k", #""since":1,"epoch":"\#(epoch)""#)
            #expect(answer["epoch"]?.string == epoch)
            #expect(try await client.events(on: "note:k", through: 2) == [2])
        }
    }
}
