// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import TestSupport
import Testing
import WebSocket

@Suite(.serialized, .timeLimit(.minutes(1)))
struct HandshakeTests {
    @Test
    func theAnswerIsThatOfTheRFC() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(Request.upgrade().text)
            let answer = try await wire.answer()
            #expect(answer.status == 101)
            #expect(answer.fields["upgrade"]?.lowercased() == "websocket")
            #expect(answer.fields["connection"]?.lowercased() == "upgrade")
            // RFC 6455 §1.3
            #expect(answer.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(answer.fields["sec-websocket-protocol"] == nil)
            #expect(answer.fields["sec-websocket-extensions"] == nil)
        }
    }

    @Test(
        arguments: [
            ([], nil), (["broadtape.v1.json"], "broadtape.v1.json"),
            (["chat", "broadtape.v1.json"], "broadtape.v1.json"),
            (["chat"], nil), (["broadtape.v2.json"], nil), (["Broadtape.V1.JSON"], nil),
        ] as [([String], String?)]
    )
    func theSubprotocolIsChosenOnlyWhenOffered(_ offered: [String], _ chosen: String?) async throws {
        try await withServer { server in
            let socket = try await Socket.open(on: try await server.connect(), subprotocols: offered)
            #expect(socket.subprotocol == chosen)
            try await socket.expect("welcome")
        }
    }

    @Test
    func extensionsAreNotAgreedTo() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            let fields = [(name: "Sec-WebSocket-Extensions", value: "permessage-deflate; client_max_window_bits")]
            try await wire.send(Request.upgrade(fields: fields).text)
            let answer = try await wire.answer()
            #expect(answer.status == 101)
            #expect(answer.fields["sec-websocket-extensions"] == nil)
        }
    }

    @Test
    func theHandshakeMayComeByteByByte() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            for byte in Request.upgrade().text.utf8 {
                try await wire.send(ByteBuffer(bytes: [byte]))
                try await server.settle()
            }
            #expect(try await wire.answer().status == 101)
        }
    }

    /// On a new connection, and on one that has served a request.
    @Test(arguments: [false, true])
    func framesMayComeTogetherWithTheHandshake(_ isLate: Bool) async throws {
        try await withServer { server in
            var endpoint = WebSocket.Endpoint(role: .client(masks: MaskGenerator(seed: 7)))
            var bytes = ByteBuffer(string: Request.upgrade().text)
            for id in 1...3 {
                let frame = endpoint.send(text: ByteBuffer(string: #"{"op":"ping","id":\#(id)}"#))
                bytes.writeImmutableBuffer(try #require(frame))
            }
            let wire = try await server.connect()
            if isLate {
                try await wire.send(Request.get("/health/live").text)
                #expect(try await wire.answer().status == 200)
            }
            try await wire.send(bytes)
            #expect(try await wire.answer().status == 101)
            let socket = Socket(upgraded: wire)
            try await socket.expect("welcome")
            for id in 1...3 {
                #expect(try await socket.expect("pong")["id"]?.integer(in: .seq) == id)
            }
        }
    }

    @Test(arguments: ["/", "/ws/", "/wsx", "/WS", "/health/live", "/channels"])
    func otherPathsAreNotFound(_ target: String) async throws {
        try await withServer { server in
            let answer = try await server.request(.upgrade(target))
            #expect(answer.status == 404)
            #expect(await server.sessionCount() == 0)
        }
    }

    @Test
    func aQueryDoesNotMatter() async throws {
        try await withServer { server in
            let answer = try await server.request(.upgrade("/ws?v=1"))
            #expect(answer.status == 101)
        }
    }

    @Test(arguments: ["8", "12", "14", "x", ""])
    func otherVersionsAreToldTheRightOne(_ version: String) async throws {
        try await withServer { server in
            let answer = try await server.request(.upgrade(version: version))
            #expect([400, 426].contains(answer.status))
            if answer.status == 426 { #expect(answer.fields["sec-websocket-version"] == "13") }
            if let version = Int(version) { #expect(answer.status == 426, "\(version)") }
        }
    }

    /// Requests that are nearly right.
    static let refused: [(text: String, status: Int)] = [
        (
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
            400
        ),
        (
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: short\r\n"
                + "Sec-WebSocket-Version: 13\r\n\r\n", 400
        ),
        (
            "POST /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", 405
        ),
        (
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nbody", 400
        ),
        (
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", 400
        ),
    ]

    @Test(arguments: Self.refused)
    func requestsThatAreNearlyRightAreRefused(_ text: String, _ status: Int) async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(text)
            #expect(try await wire.answer().status == status)
            try await wire.waitForEnd()
            #expect(await server.sessionCount() == 0)
        }
    }

    @Test
    func aConnectionThatServedRequestsMayBecomeAWebSocket() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            for _ in 1...3 {
                try await wire.send(Request.get("/health/live").text)
                #expect(try await wire.answer().status == 200)
            }
            let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            try await wire.send(Request.post(event, token: try await server.tokens.publisher()).text)
            #expect(try await wire.answer().status == 200)
            let socket = try await Socket.open(on: wire, token: try await server.tokens.user("u_42"))
            #expect(socket.subprotocol == "broadtape.v1.json")
            try await socket.expect("welcome")
            #expect(try await socket.expect("authenticated")["user"]?.string == "u_42")
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A","since":0}"#)
            try await socket.expect("subscribed")
            #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 1)
            try await socket.expect("caughtUp")
            for seq in 2...20 {
                try await server.publish(event)
                #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == seq)
                try await socket.send(#"{"op":"ping"}"#)
                try await socket.expect("pong")
            }
            try await socket.close()
            try await socket.expectClose(1000)
        }
    }

    @Test
    func aLateUpgradeThatIsWrongIsRefused() async throws {
        try await withServer { server in
            for (request, status) in [(Request.upgrade("/nothing"), 404), (Request.upgrade(version: "8"), 426)] {
                let wire = try await server.connect()
                try await wire.send(Request.get("/health/live").text)
                #expect(try await wire.answer().status == 200)
                try await wire.send(request.text)
                let answer = try await wire.answer()
                #expect(answer.status == status)
                if status == 426 { #expect(answer.fields["sec-websocket-version"] == "13") }
                try await wire.waitForEnd()
            }
        }
    }

    /// A proxy may send the upgrade before the answer to the request before it has come.
    @Test
    func anUpgradeRightBehindARequestIsNotMixedWithItsAnswer() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(Request.get("/health/live").text + Request.upgrade().text)
            #expect(try await wire.answer().status == 200)
            #expect(try await wire.answer().status == 101)
            let socket = Socket(upgraded: wire)
            try await socket.expect("welcome")
            try await socket.send(#"{"op":"ping"}"#)
            try await socket.expect("pong")
        }
    }
}
