// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct ClientHandshakeTests {
    private static let offer = ClientHandshake.Offer(
        host: "server.example.com",
        target: "/chat?a=b",
        nonce: Nonce(0x7468_6520_7361_6D70, 0x6C65_206E_6F6E_6365),
        subprotocols: ["chat", "superchat"],
        extensions: ["permessage-deflate; client_max_window_bits"],
        fields: [("Authorization", "Bearer t")]
    )

    /// The example of RFC 6455 §1.3.
    private static let example = """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
        Sec-WebSocket-Protocol: chat\r
        \r\n
        """

    private func answer(to wire: ByteBuffer, _ delivery: Delivery = .whole) -> ClientHandshake.OnBytes {
        var handshake = ClientHandshake(Self.offer)
        for read in delivery.reads(of: wire) {
            let answer = handshake.receive(read)
            if answer != .needMore {
                return answer
            }
        }
        return .needMore
    }

    private func failure(_ response: String) -> ClientHandshake.Failure? {
        guard case .failed(let failure) = answer(to: ByteBuffer(string: response)) else { return nil }
        return failure
    }

    @Test func theRequestHasWhatIsOffered() {
        #expect(
            ClientHandshake(Self.offer).request.text == """
                GET /chat?a=b HTTP/1.1\r
                Host: server.example.com\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Protocol: chat, superchat\r
                Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
                Authorization: Bearer t\r
                \r\n
                """
        )
    }

    @Test(arguments: Delivery.allCases)
    func theExampleOfTheStandardIsAccepted(delivery: Delivery) {
        guard case .accepted(let response, let rest) = answer(to: ByteBuffer(string: Self.example), delivery) else {
            Issue.record("not accepted")
            return
        }
        #expect(response.subprotocol == "chat")
        #expect(response.extensions == [])
        #expect(response.fields["upgrade"] == "websocket")
        #expect(rest == "")
    }

    @Test func framesInTheSameReadAreHandedBack() {
        let wire = joined(ByteBuffer(string: Self.example), plain(.text, "welcome"))
        guard case .accepted(_, let rest) = answer(to: wire) else {
            Issue.record("not accepted")
            return
        }
        var endpoint = Endpoint.client()
        #expect(endpoint.events(rest) == [.text("welcome")])
    }

    @Test func everyPrefixNeedsMore() {
        let bytes = Array(Self.example.utf8)
        let answered = bytes.indices.filter { answer(to: ByteBuffer(bytes: bytes[..<$0])) != .needMore }
        #expect(answered == [])
    }

    @Test(arguments: [
        ("Upgrade: websocket", "Upgrade: WEBSOCKET"), ("Connection: Upgrade", "Connection: keep-alive, upgrade"),
        ("101 Switching Protocols", "101"), ("101 Switching Protocols", "101 "), ("HTTP/1.1", "HTTP/1.2"),
        ("Sec-WebSocket-Protocol: chat\r\n", ""),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate"),
    ])
    func harmlessVariantsAreAccepted(part: String, replacement: String) {
        let wire = ByteBuffer(string: Self.example.replacing(part, with: replacement))
        guard case .accepted(_, rest: "") = answer(to: wire) else {
            Issue.record("not accepted: \(wire.text)")
            return
        }
    }

    @Test(arguments: [
        ("HTTP/1.1", "HTTP/1.0", ClientHandshake.Failure.malformedStatusLine),
        ("HTTP/1.1", "HTTP/2.0", .malformedStatusLine),
        ("HTTP/1.1 101", "ICY 101", .malformedStatusLine),
        (" 101 ", " +10 ", .malformedStatusLine),
        (" 101 ", " 1010 ", .malformedStatusLine),
        ("HTTP/1.1 101 Switching Protocols", "HTTP/1.1", .malformedStatusLine),
        ("Upgrade: websocket\r\n", "", .upgrade),
        ("Upgrade: websocket", "Upgrade: h2c", .upgrade),
        ("Upgrade: websocket", "Upgrade: websocket, h2c", .upgrade),
        ("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket", .repeated(field: "upgrade")),
        ("Connection: Upgrade\r\n", "", .connection),
        ("Connection: Upgrade", "Connection: close", .connection),
        ("Accept: s3", "Accept: S3", .acceptKey),
        ("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "", .acceptKey),
        ("Protocol: chat", "Protocol: other", .subprotocol("other")),
        ("Protocol: chat", "Protocol: Chat", .subprotocol("Chat")),
        ("Protocol: chat", "Protocol: chat, superchat", .subprotocol("chat, superchat")),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: x-mux", .extension("x-mux")),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: a;", .malformed(field: "sec-websocket-extensions")),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\n", .head(.bareLineBreak)),
    ])
    func wrongResponsesFail(part: String, replacement: String, failure expected: ClientHandshake.Failure) {
        #expect(failure(Self.example.replacing(part, with: replacement)) == expected)
    }

    @Test func anotherStatusIsReportedWithItsFields() {
        let failure = failure("HTTP/1.1 401 Not You\r\nWWW-Authenticate: Bearer\r\n\r\nbody")
        let fields = HeaderFields([("www-authenticate", "Bearer")])
        #expect(failure == .rejected(status: 401, reason: "Not You", fields: fields, body: "body"))
        #expect(failure?.description == "the server answered 401 Not You")
    }

    @Test func nothingIsTakenAfterTheAnswer() {
        var handshake = ClientHandshake(Self.offer)
        #expect(handshake.receive("\n") == .failed(.head(.bareLineBreak)))
        #expect(handshake.receive(ByteBuffer(string: Self.example)) == .needMore)
    }

    @Test func bothSidesAgree() {
        var server = ServerHandshake()
        var client = ClientHandshake(Self.offer)
        guard case .accepted(let request, _) = server.receive(client.request) else {
            Issue.record("the server does not accept our request")
            return
        }
        let response = request.accept(subprotocol: request.preferredSubprotocol(among: ["superchat"]))
        guard case .accepted(let accepted, _) = client.receive(response) else {
            Issue.record("the client does not accept our response")
            return
        }
        #expect(accepted.subprotocol == "superchat")
        #expect(request.query == "a=b")
    }
}
