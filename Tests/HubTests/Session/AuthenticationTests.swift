// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct AuthenticationTests {
    @Test func connectionIsWelcomed() async throws {
        var configuration = HubConfiguration.forTests
        configuration.node = "n7"
        configuration.shard.heartbeat = .milliseconds(12_500)
        try await withHub(configuration) { hub in
            let client = try await hub.connect()
            let welcome = try #require(try await client.expect(1, "welcome").first)
            let text = #"{"op":"welcome","session":"\#(client.session.id)","node":"n7","heartbeat":12500}"#
            #expect(welcome.json == text)
            #expect(await hub.sessionCount() == 1)
        }
    }

    @Test func sessionsHaveDifferentIDs() async throws {
        try await withHub { hub in
            let ids = try await [hub.connect(), hub.connect(), hub.connect()].map(\.session.id)
            #expect(Set(ids).count == 3)
        }
    }

    @Test func goodTokenIsAccepted() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.send(#"{"op":"auth","id":1,"token":"u_42 until=4102444800000000000"}"#)
            let answer = try await client.answer(1)
            #expect(answer.json == #"{"op":"authenticated","id":1,"user":"u_42","expires":"2100-01-01T00:00:00Z"}"#)
        }
    }

    @Test func tokenOfTheUpgradeIsAcceptedWithoutID() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_42")
            #expect(client.messages("authenticated").map(\.json) == [#"{"op":"authenticated","user":"u_42"}"#])
        }
    }

    @Test(arguments: [
        ("bad", "bad_token", CloseReason.notAuthenticated("bad token")),
        ("", "bad_token", .notAuthenticated("bad token")),
        ("expired", "token_expired", .tokenExpired),
    ])
    func badTokenOfAnUnknownClientEndsTheConnection(token: String, code: String, reason: CloseReason) async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.send(#"{"op":"auth","id":1,"token":"\#(token)"}"#, #"{"op":"ping","id":2}"#)
            #expect(try await client.closing() == reason)
            #expect(client.messages("error").map { $0["code"]?.string } == [code])
            #expect(client.messages("pong").isEmpty)
            #expect(await hub.sessionCount() == 0)
        }
    }

    @Test(arguments: ["bad", "expired", "u_2"])
    func badRefreshLeavesTheSessionAsItWas(token: String) async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1")
            try await client.subscribe("mine")
            try await client.send(#"{"op":"auth","id":1,"token":"\#(token)"}"#)
            let code = try await client.answer(1, op: "error")["code"]?.string
            #expect(code == (token == "expired" ? "token_expired" : "bad_token"))
            try await hub.publish("mine:u_1")
            #expect(try await client.events(on: "mine:u_1", through: 1) == [1])
            #expect(!client.isClosed)
        }
    }

    @Test func refreshKeepsPositionsAndSubscriptions() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1")
            try await client.subscribe("mine")
            try await hub.publish("mine:u_1")
            try await client.send(#"{"op":"auth","id":1,"token":"u_1 read:ops"}"#)
            try await client.answer(1, op: "authenticated")
            try await hub.publish("mine:u_1")
            #expect(try await client.events(on: "mine:u_1", through: 2) == [1, 2])
            try await client.subscribe("ops:all")
        }
    }

    @Test func refreshWithFewerScopesCannotReadMore() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1 read:ops")
            try await client.send(
                #"{"op":"auth","id":1,"token":"u_1"}"#,
                #"{"op":"subscribe","id":2,"channel":"ops:all"}"#
            )
            #expect(try await client.answer(2, op: "error")["code"]?.string == "forbidden")
        }
    }

    @Test func requestsBehindATokenWaitForIt() async throws {
        try await withHub { hub in
            hub.tokens.close()
            let client = try await hub.connect()
            try await client.send(
                #"{"op":"auth","id":1,"token":"u_1"}"#,
                #"{"op":"subscribe","id":2,"channel":"mine"}"#,
                #"{"op":"ping","id":3}"#
            )
            try await hub.tokens.waitForArrivals(1)
            try await hub.settle()
            #expect(client.messages().map { $0["op"]?.string } == ["welcome"])
            hub.tokens.open()
            try await client.answer(3)
            #expect(
                client.messages().map { $0["op"]?.string } == ["welcome", "authenticated", "subscribed", "pong"]
            )
        }
    }

    @Test func othersDoNotWaitForAToken() async throws {
        try await withHub { hub in
            hub.tokens.close()
            let waiting = try await hub.connect()
            try await waiting.send(#"{"op":"auth","id":1,"token":"u_1"}"#)
            try await hub.tokens.waitForArrivals(1)
            let other = try await hub.connect()
            try await other.subscribe("note:k")
            try await hub.publish("note:k")
            #expect(try await other.events(on: "note:k", through: 1) == [1])
            #expect(waiting.messages("authenticated").isEmpty)
        }
    }

    @Test(arguments: ["u_1", "bad", "expired"])
    func sessionThatEndsWhileItsTokenIsVerifiedIsForgotten(token: String) async throws {
        try await withHub { hub in
            hub.tokens.close()
            let client = try await hub.connect()
            try await client.send(#"{"op":"auth","id":1,"token":"\#(token)"}"#, #"{"op":"subscribe","channel":"mine"}"#)
            try await hub.tokens.waitForArrivals(1)
            await client.end()
            hub.tokens.open()
            try await hub.settle()
            #expect(await hub.sessionCount() == 0)
            #expect(client.messages().map { $0["op"]?.string } == ["welcome"])
            #expect(!client.isClosed)
        }
    }
}
