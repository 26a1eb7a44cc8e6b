// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import WebSocket

@Suite struct ServerHandshakeTests {
    /// The example of RFC 6455 §1.2.
    private static let example = """
        GET /chat HTTP/1.1\r
        Host: server.example.com\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Origin: http://example.com\r
        Sec-WebSocket-Protocol: chat, superchat\r
        Sec-WebSocket-Version: 13\r
        \r\n
        """

    private func answer(to wire: ByteBuffer, _ delivery: Delivery, limits: HeadLimits = HeadLimits())
        -> ServerHandshake.OnBytes
    {
        var handshake = ServerHandshake(limits: limits)
        for read in delivery.reads(of: wire) {
            let answer = handshake.receive(read)
            if answer != .needMore {
                return answer
            }
        }
        return .needMore
    }

    private func refusal(_ request: String) -> Refusal? {
        guard case .refused(let refusal) = answer(to: ByteBuffer(string: request), .whole) else { return nil }
        return refusal
    }

    @Test(arguments: Delivery.allCases)
    func theExampleOfTheStandardIsAccepted(delivery: Delivery) throws {
        guard case .accepted(let request, let rest) = answer(to: ByteBuffer(string: Self.example), delivery) else {
            Issue.record("not accepted")
            return
        }
        #expect(request.path == "/chat")
        #expect(request.origin == "http://example.com")
        #expect(request.subprotocols == ["chat", "superchat"])
        #expect(rest == "")
    }

    @Test(arguments: [Delivery.whole, .unshared])
    func framesInTheSameReadAreHandedBack(delivery: Delivery) {
        let frame = masked(.text, "early")
        guard case .accepted(_, let rest) = answer(to: joined(ByteBuffer(string: Self.example), frame), delivery) else {
            Issue.record("not accepted")
            return
        }
        #expect(rest == frame)
        var endpoint = Endpoint.server()
        #expect(endpoint.events(rest) == [.text("early")])
    }

    @Test func everyPrefixNeedsMore() {
        let bytes = Array(Self.example.utf8)
        let answered = bytes.indices.filter { answer(to: ByteBuffer(bytes: bytes[..<$0]), .whole) != .needMore }
        #expect(answered == [])
    }

    @Test(arguments: Delivery.allCases)
    func otherRequestsAreHandedBackWhole(delivery: Delivery) {
        let request: ByteBuffer = "POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
        let head = ByteBuffer(bytes: request.array.dropLast(2))
        #expect(answer(to: request, delivery) == .notWebSocket(bytes: delivery == .byteByByte ? head : request))
    }

    @Test func nothingIsTakenAfterTheAnswer() {
        var handshake = ServerHandshake()
        #expect(handshake.receive("\n") == .refused(.head(.bareLineBreak)))
        #expect(handshake.receive(ByteBuffer(string: Self.example)) == .needMore)
    }

    @Test(arguments: [
        "\r\n", "GET /\r\n", "GET  / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", " GET / HTTP/1.1\r\n", "GET / HTTP/1\r\n",
        "GET / HTTP/11\r\n", "GET / HTTP/a.b\r\n", "GET / http/1.1\r\n", "G(T / HTTP/1.1\r\n", "GET /a b HTTP/1.1\r\n",
    ])
    func brokenRequestLinesAreRefused(line: String) {
        #expect(refusal(line + "Host: a\r\n\r\n") == .malformedRequestLine)
    }

    @Test(arguments: ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3.0"])
    func otherVersionsOfHTTPAreRefused(version: String) {
        #expect(refusal(Self.example.replacing("HTTP/1.1", with: version)) == .httpVersion)
    }

    @Test func laterMinorVersionsAreAccepted() {
        let wire = ByteBuffer(string: Self.example.replacing("HTTP/1.1", with: "HTTP/1.2"))
        guard case .accepted(let request, _) = answer(to: wire, .whole) else {
            Issue.record("not accepted")
            return
        }
        #expect(request.path == "/chat")
    }

    @Test(arguments: [
        ("GET", "POST", Refusal.method),
        ("/chat", "chat", .malformedTarget),
        ("Version: 13", "Version: 12", .protocolVersion),
        ("Host: server.example.com\r\n", "", .missing(field: "Host")),
        ("Host:", "Host :", .head(.malformedField(number: 1))),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\n folded\r\n", .head(.foldedField)),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\n", .head(.bareLineBreak)),
        ("Origin: http://example.com", "Content-Length: 5", .body),
    ])
    func wrongRequestsAreRefused(part: String, replacement: String, refusal expected: Refusal) {
        #expect(refusal(Self.example.replacing(part, with: replacement)) == expected)
    }

    @Test(arguments: Delivery.allCases)
    func theHeadIsLimited(delivery: Delivery) {
        let wire = ByteBuffer(string: Self.example)
        let limits = HeadLimits(bytes: wire.readableBytes - 1)
        #expect(answer(to: wire, delivery, limits: limits) == .refused(.head(.tooLarge(limit: limits.bytes))))
        #expect(answer(to: wire, delivery, limits: HeadLimits(fields: 6)) == .refused(.head(.tooManyFields(limit: 6))))
    }

    @Test func aTLSRecordIsRefusedAtItsFirstByte() {
        #expect(answer(to: ByteBuffer(hex: "16"), .whole) == .refused(.head(.controlCharacter(0x16))))
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func damagedRequestsAreAnsweredOrWaitedFor(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var bytes = Array(Self.example.utf8)
        for _ in 0..<4 {
            bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        let wire = ByteBuffer(bytes: bytes)
        #expect(answer(to: wire, .whole) == answer(to: wire, .byteByByte))
    }
}
