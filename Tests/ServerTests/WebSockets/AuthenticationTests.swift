// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Server
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct AuthenticationTests {
    private static let balance = #"{"type":"balanceUpdate","data":{"userId":"u_42","balance":"1"}}"#

    @Test
    func theWelcomeComesFirst() async throws {
        var setup = Setup()
        setup.hub.node = "node-7"
        setup.hub.shard.heartbeat = .seconds(10)
        try await withServer(setup) { server in
            let socket = try await Socket.open(on: try await server.connect())
            let welcome = try await socket.expect("welcome")
            #expect(welcome.names == ["op", "session", "node", "heartbeat"])
            #expect(welcome["session"]?.string?.isEmpty == false)
            #expect(welcome["node"]?.string == "node-7")
            #expect(welcome["heartbeat"]?.integer(in: .seq) == 10_000)
        }
    }

    @Test(arguments: ["1", #""a""#, "-7", #""""#])
    func aTokenMakesTheSessionItsUsers(_ id: String) async throws {
        try await withServer { server in
            let socket = try await server.open()
            let token = try await server.tokens.user("u_42")
            try await socket.send(#"{"op":"auth","id":\#(id),"token":"\#(token)"}"#)
            let answer = try await socket.expect("authenticated")
            #expect(answer["id"]?.written == id)
            #expect(answer["user"]?.string == "u_42")
            let expires = try #require(answer["expires"]?.string.flatMap { Timestamp(rfc3339: $0) })
            let left = expires.duration(since: .now)
            #expect(left > .seconds(3500) && left <= .seconds(3600))
        }
    }

    @Test
    func aTokenWithoutAnEndHasNoExpiry() async throws {
        try await withServer { server in
            let token = try await server.tokens.keys.sign(subject: "u_42", scopes: [], expires: nil)
            let socket = try await Socket.open(on: try await server.connect(), token: token)
            try await socket.expect("welcome")
            #expect(try await socket.expect("authenticated")["expires"] == nil)
        }
    }

    @Test
    func aTokenMayComeWithTheUpgrade() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate"}"#)
            #expect(try await socket.expect("subscribed")["channel"]?.string == "balanceUpdate:u_42")
        }
    }

    /// What is sent behind an `auth` waits for its answer.
    @Test
    func requestsRightBehindAuthAreMadeAsItsUser() async throws {
        try await withServer { server in
            let socket = try await server.open()
            let token = try await server.tokens.user("u_42")
            try await socket.send(#"{"op":"auth","token":"\#(token)"}"#)
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate"}"#)
            try await socket.send(#"{"op":"ping"}"#)
            try await socket.expect("authenticated")
            try await socket.expect("subscribed")
            try await socket.expect("pong")
        }
    }

    @Test
    func aNewTokenOfTheSameUserKeepsThePosition() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42", for: .seconds(60)))
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate","snapshot":false}"#)
            try await socket.expect("subscribed")
            try await server.publish(Self.balance)
            let renewed = try await server.tokens.user("u_42", for: .seconds(7200))
            try await socket.send(#"{"op":"auth","id":5,"token":"\#(renewed)"}"#)
            #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 1)
            let answer = try await socket.expect("authenticated")
            #expect(answer["id"]?.integer(in: .seq) == 5)
            let expires = try #require(answer["expires"]?.string.flatMap { Timestamp(rfc3339: $0) })
            #expect(expires.duration(since: .now) > .seconds(7000))
            try await server.publish(Self.balance)
            #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 2)
        }
    }

    @Test
    func aTokenOfAnotherUserIsRefusedAndNothingChanges() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            let other = try await server.tokens.user("u_77")
            try await socket.send(#"{"op":"auth","id":5,"token":"\#(other)"}"#)
            #expect(try await socket.expectError("bad_token")["id"]?.integer(in: .seq) == 5)
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate"}"#)
            #expect(try await socket.expect("subscribed")["channel"]?.string == "balanceUpdate:u_42")
        }
    }

    @Test(arguments: [(-1, "token_expired"), (3600, "bad_token")])
    func aBadRefreshLeavesTheSessionAsItWas(_ life: Int, _ code: String) async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            var token = try await server.tokens.user("u_42", for: .seconds(life))
            if code == "bad_token" { token += "x" }
            try await socket.send(#"{"op":"auth","token":"\#(token)"}"#)
            try await socket.expectError(code)
            try await socket.send(#"{"op":"ping"}"#)
            try await socket.expect("pong")
        }
    }

    enum Bad: Sendable, CaseIterable {
        case garbage
        case foreign
        case unsigned
        case otherAlgorithm
        case tampered
    }

    @Test(arguments: Bad.allCases, [true, false])
    func aBadTokenEndsTheConnection(_ bad: Bad, _ isInUpgrade: Bool) async throws {
        try await withServer { server in
            let token =
                switch bad {
                case .garbage: "a.b.c"
                case .foreign: try await server.tokens.foreign("u_42")
                case .unsigned: server.tokens.unsigned("u_42", algorithm: "none")
                case .otherAlgorithm: try await server.tokens.signedBySHA512("u_42")
                case .tampered: try await server.tokens.tampered("u_42")
                }
            let socket = try await Socket.open(on: try await server.connect(), token: isInUpgrade ? token : nil)
            try await socket.expect("welcome")
            if !isInUpgrade { try await socket.send(#"{"op":"auth","id":1,"token":"\#(token)"}"#) }
            let error = try await socket.expectError("bad_token")
            #expect(error["id"]?.integer(in: .seq) == (isInUpgrade ? nil : 1))
            try await socket.expectClose(4501)
        }
    }

    @Test(arguments: [true, false])
    func anExpiredTokenEndsTheConnection(_ isInUpgrade: Bool) async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42", for: .seconds(-1))
            let socket = try await Socket.open(on: try await server.connect(), token: isInUpgrade ? token : nil)
            try await socket.expect("welcome")
            if !isInUpgrade { try await socket.send(#"{"op":"auth","token":"\#(token)"}"#) }
            #expect(try await socket.expectError("token_expired")["action"]?.string == "auth")
            try await socket.expectClose(4005)
        }
    }

    @Test
    func aTokenThatExpiresOnTheWayEndsTheConnection() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42", for: .seconds(4)))
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate"}"#)
            try await socket.expect("subscribed")
            try await socket.expectClose(4005)
        }
    }

    @Test
    func whoNeitherAuthenticatesNorSubscribesIsLeft() async throws {
        var setup = Setup()
        setup.hub.shard.authentication = .seconds(2)
        try await withServer(setup) { server in
            let silent = try await server.open()
            let chatty = try await server.open()
            let reader = try await server.open()
            let user = try await server.open(token: try await server.tokens.user("u_42"))
            try await chatty.send(#"{"op":"ping"}"#)
            try await chatty.expect("pong")
            try await reader.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await reader.expect("subscribed")
            try await silent.expectClose(4501)
            try await chatty.expectClose(4501)
            for socket in [reader, user] {
                try await socket.send(#"{"op":"ping"}"#)
                try await socket.expect("pong")
            }
        }
    }

    @Test
    func aTokenOfManyMillenniaIsNoTrap() async throws {
        try await withServer { server in
            let token = try await server.tokens.signed(Claims(sub: "u_42", exp: Int.max, scope: nil))
            let socket = try await server.open(token: token)
            try await socket.send(#"{"op":"ping"}"#)
            try await socket.expect("pong")
        }
    }
}
