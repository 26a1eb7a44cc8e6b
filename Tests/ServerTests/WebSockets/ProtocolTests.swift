// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Server
import TestSupport
import Testing
import WebSocket

/// What is wrong on the wire, and what is not.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ProtocolTests {
    @Test(arguments: ["", " ", "{", "nonsense", "{}{}", "[]", "1", "\"x\"", "null", "{\"op\":\"ping\",}"])
    func whatIsNoObjectEndsTheConnection(_ text: String) async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.send(text)
            try await socket.expectClose(4500)
        }
    }

    @Test(arguments: [
        (#"{"op":"dance","id":1}"#, "unknown_op"), (#"{"op":"Ping","id":1}"#, "unknown_op"),
        (#"{"op":1,"id":1}"#, "bad_request"), (#"{"id":1}"#, "bad_request"), (#"{"op":"auth","id":1}"#, "bad_request"),
        (#"{"op":"auth","id":1,"token":5}"#, "bad_request"), (#"{"op":"subscribe","id":1}"#, "bad_request"),
        (#"{"op":"subscribe","id":1,"channels":[]}"#, "bad_request"),
        (#"{"op":"subscribe","id":1,"channels":[5]}"#, "bad_request"),
        (#"{"op":"subscribe","id":1,"channels":{}}"#, "bad_request"), (#"{"op":"unsubscribe","id":1}"#, "bad_request"),
        (#"{"op":"unsubscribe","id":1,"channel":"rateChange:A"}"#, "not_subscribed"),
        (#"{"op":"publish","id":1}"#, "bad_request"), (#"{"op":"history","id":1}"#, "bad_request"),
    ])
    func whatCannotBeUnderstoodIsAnsweredAndTheConnectionGoesOn(_ text: String, _ code: String) async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            try await socket.send(text)
            #expect(try await socket.expectError(code)["id"]?.integer(in: .seq) == 1)
            try await socket.send(#"{"op":"ping","id":2}"#)
            #expect(try await socket.expect("pong")["id"]?.integer(in: .seq) == 2)
        }
    }

    @Test(arguments: [#"{"op":"ping"}"#, #"{"op":"ping","id":null}"#, #"{"op":"ping","id":{}}"#])
    func anAnswerHasNoIDWhereTheRequestHasNone(_ text: String) async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.send(text)
            #expect(try await socket.expect("pong").written == #"{"op":"pong"}"#)
        }
    }

    @Test
    func unknownMembersAreIgnored() async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.send(#" {"new":[1,{"op":"x"}],"op":"ping","id":"é","op2":null}  "#)
            #expect(try await socket.expect("pong")["id"]?.string == "é")
        }
    }

    @Test
    func binaryMessagesEndTheConnection() async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.sendBinary(#"{"op":"ping"}"#)
            try await socket.expectClose(4500)
        }
    }

    @Test
    func whatStandsBeforeABadMessageIsStillDone() async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.wire.send(
                try Self.frames([#"{"op":"ping","id":1}"#, "nonsense", #"{"op":"ping","id":2}"#])
            )
            #expect(try await socket.expect("pong")["id"]?.integer(in: .seq) == 1)
            try await socket.expectClose(4500)
        }
    }

    private static func frames(_ texts: [String]) throws -> ByteBuffer {
        var endpoint = WebSocket.Endpoint(role: .client(masks: MaskGenerator(seed: 3)))
        var bytes = ByteBuffer()
        for text in texts {
            let frame = endpoint.send(text: ByteBuffer(string: text))
            bytes.writeImmutableBuffer(try #require(frame))
        }
        return bytes
    }

    @Test(arguments: [1024, 1025])
    func aMessageHasALimit(_ length: Int) async throws {
        var setup = Setup()
        setup.edge.messageBytes = 1024
        try await withServer(setup) { server in
            let socket = try await server.open()
            let message = #"{"op":"ping","id":1,"pad":""}"#
            let padding = String(repeating: "x", count: length - message.utf8.count)
            try await socket.send(message.replacing(#""pad":""#, with: #""pad":"\#(padding)"#))
            if length == 1024 {
                try await socket.expect("pong")
            } else {
                try await socket.expectClose(1009)
            }
        }
    }

    @Test
    func aMessageOfManyFragmentsHasTheSameLimit() async throws {
        var setup = Setup()
        setup.edge.messageBytes = 1024
        try await withServer(setup) { server in
            let socket = try await server.open()
            var endpoint = WebSocket.Endpoint(role: .client(masks: MaskGenerator(seed: 3)))
            let text = ByteBuffer(string: #"{"pad":"\#(String(repeating: "x", count: 1100))"}"#)
            let frames = endpoint.send(text: text, inFragmentsOf: 300)
            try await socket.wire.send(try #require(frames))
            try await socket.expectClose(1009)
        }
    }

    /// Frames no client may send (RFC 6455 §5), each as bytes with the close code it deserves.
    static let violations: [(name: String, bytes: [UInt8], code: Int)] = [
        ("unmasked", [0x81, 0x02, 0x7B, 0x7D], 1002), ("reserved bit", [0xC1, 0x80, 0, 0, 0, 0], 1002),
        ("reserved opcode", [0x83, 0x80, 0, 0, 0, 0], 1002), ("a fragmented ping", [0x09, 0x80, 0, 0, 0, 0], 1002),
        ("a ping of 126 bytes", [0x89, 0xFE, 0, 126, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 126), 1002),
        ("a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0], 1002),
        ("a length longer than needed", [0x81, 0xFE, 0, 2, 0, 0, 0, 0, 0x7B, 0x7D], 1002),
        ("a length of 2^63", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1002),
        ("a length of 2^40", [0x81, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
        ("not UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
        ("a close of one byte", [0x88, 0x81, 0, 0, 0, 0, 3], 1002),
        ("a close with 1005", [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),
    ]

    @Test(arguments: Self.violations)
    func framesAgainstTheRulesEndTheConnection(_ name: String, _ bytes: [UInt8], _ code: Int) async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.wire.send(ByteBuffer(bytes: bytes))
            try await socket.expectClose(code)
        }
    }

    @Test(arguments: ["", "x", String(repeating: "y", count: 125)])
    func pingsAreAnswered(_ payload: String) async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.ping(payload)
            try await socket.expectPong(payload)
        }
    }

    @Test
    func fragmentsWithAPingBetweenThemAreOneMessage() async throws {
        try await withServer { server in
            let socket = try await server.open()
            let first = Array(#"{"op":"pi"#.utf8)
            let second = Array(#"ng","id":4}"#.utf8)
            try await socket.wire.send(
                ByteBuffer(
                    bytes: [0x01, 0x80 | UInt8(first.count), 0, 0, 0, 0] + first + [0x89, 0x81, 0, 0, 0, 0, 0x70]
                        + [0x80, 0x80 | UInt8(second.count), 0, 0, 0, 0] + second
                )
            )
            try await socket.expectPong("p")
            #expect(try await socket.expect("pong")["id"]?.integer(in: .seq) == 4)
        }
    }

    @Test
    func framesMayComeByteByByte() async throws {
        try await withServer { server in
            let socket = try await server.open()
            for byte in try Self.frames([#"{"op":"ping","id":6}"#]).readableBytesView {
                try await socket.wire.send(ByteBuffer(bytes: [byte]))
                try await server.settle()
            }
            #expect(try await socket.expect("pong")["id"]?.integer(in: .seq) == 6)
        }
    }

    @Test
    func aCloseIsAnsweredInKind() async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.close()
            try await socket.expectClose(1000)
        }
    }

    @Test
    func aClientThatVanishesLeavesNothing() async throws {
        try await withServer { server in
            for isHalf in [true, false] {
                let socket = try await server.open(token: try await server.tokens.user("u_42"))
                try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate"}"#)
                try await socket.expect("subscribed")
                if isHalf { try await socket.wire.finish() } else { await socket.wire.close() }
                try await eventually("the session ends") { await server.sessionCount() == 0 }
            }
        }
    }

    @Test
    func manyRequestsAreAnsweredInOrder() async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.wire.send(try Self.frames((1...2000).map { #"{"op":"ping","id":\#($0)}"# }))
            for id in 1...2000 {
                #expect(try await socket.expect("pong")["id"]?.integer(in: .seq) == id)
            }
        }
    }
}
