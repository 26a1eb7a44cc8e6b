// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import Server

/// Bytes that are no request, or that two readers could take for different ones.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct HostileRequestSystemTests {
    /// A request that must never be taken for one: it would publish.
    private static func smuggled(_ token: String) -> String {
        Request.post(#"{"type":"rateChange","key":"SMUGGLED","data":{"rate":"1"}}"#, token: token).text
    }

    /// `%` is replaced by a request that would publish.
    static let smuggling: [(text: String, statuses: [Int])] = [
        // CL.TE, TE.CL, TE.TE
        (
            "POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%",
            [400]
        ),
        (
            "POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n%",
            [400]
        ),
        (
            "POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n%",
            [501]
        ),
        ("POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n%", [501]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n%", [400]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n%", [400]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%", [400]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nX: y\0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%", [400]),
        ("POST /events HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%", [501]),
        // Two lengths
        ("POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n%", [400]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n%", [400]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 5\r\n\r\n%", [400]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n%", [400]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n%", [400]),
        // Chunks; the request before the fault may have been refused for want of a token.
        ("POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\n\r\n%", [400, 401]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n%", [400, 401]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n%", [400, 401]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n%", [400, 401]),
        ("POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n%", [400, 401]),
        // Heads
        ("GET /health/live HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n%", [400]),
        ("GET /health/live HTTP/1.1\r\n\r\n%", [400]), ("GET /health/live HTTP/1.1\nHost: h\n\n%", [400]),
        ("GET /health/live HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n%", [400]),
        ("GET  /health/live HTTP/1.1\r\nHost: h\r\n\r\n%", [400]), ("\r\n\r\n%", [400]),
        ("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n%", [501]), ("GET / HTTP/2.0\r\nHost: h\r\n\r\n%", [505]),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%", [505]),
        // Upgrades with a body
        (
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 5\r\n\r\n%", [400]
        ),
        (
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%", [400]
        ),
        (
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n%",
            [400]
        ),
    ]

    /// Alone, and behind a good request on the same connection, whose answer comes first.
    @Test
    func nothingIsSmuggled() async throws {
        try await withWitness { server, witness in
            let smuggled = Self.smuggled(try await server.tokens.publisher())
            for (text, statuses) in Self.smuggling {
                let bytes = text.replacing("%", with: smuggled)
                for before in ["", Request.get("/health/live").text] {
                    let wire = try await server.connect()
                    try await wire.send(before + bytes)
                    if !before.isEmpty { #expect(try await wire.answer().status == 200) }
                    let status = try await wire.end()
                    #expect(status.map(statuses.contains) ?? true, "\(status ?? 0) for \(text.debugDescription)")
                }
            }
            try await witness.isServed()
            #expect(try await Array(server.heads().keys) == ["rateChange:WITNESS"])
        }
    }

    /// What begins a connection, and how it has to end: nil is without an answer.
    static let beginnings: [(bytes: [UInt8], status: Int?)] = [
        // A TLS hello of version 1.0 and later, and of version 2.
        ([0x16, 0x03, 0x01, 0x00, 0xC8, 0x01, 0x00, 0x00, 0xC4, 0x03, 0x03], 400),
        ([0x80, 0x2E, 0x01, 0x03, 0x01], 400),
        ([UInt8](repeating: 0, count: 100), 400), (Array("garbage\r\n\r\n".utf8), 400),
        (Array("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n".utf8), 400),
        (
            Array(
                ("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8
            ), 426
        ),
        (
            Array(
                ("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n").utf8
            ), 400
        ),
        (
            Array(
                ("POST /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8
            ), 405
        ),
    ]

    @Test
    func badBeginningsEndAtOnce() async throws {
        try await withWitness { server, _ in
            for (bytes, expected) in Self.beginnings {
                let wire = try await server.connect()
                try await wire.send(ByteBuffer(bytes: bytes))
                if bytes.first == 0x80 { try await wire.finish() }
                let status = try await wire.end()
                #expect(status == expected || bytes.first == 0x80, "\(status ?? 0) for \(bytes.prefix(80))")
            }
        }
    }

    @Test(arguments: ["X: ", "Upgrade: websocket\r\nX: "])
    func endlessHeadsAreCutOff(_ beginning: String) async throws {
        try await withWitness { server, witness in
            let line = "X: " + String(repeating: "x", count: 200) + "\r\n"
            for rest in [String(repeating: "x", count: 1 << 20), String(repeating: line, count: 5000)] {
                let text = "GET /ws HTTP/1.1\r\nHost: h\r\n" + beginning + rest
                for before in ["", Request.get("/health/live").text] {
                    let wire = try await server.connect()
                    try? await wire.send(before + text)
                    #expect(try await wire.end() == 431)
                }
                try await witness.isServed()
            }
        }
    }

    @Test
    func aBodyIsAskedForWhereTheClientWaits() async throws {
        try await withWitness { server, _ in
            let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            let token = try await server.tokens.publisher()
            let wire = try await server.connect()
            for number in 1...2 {
                try await wire.send(
                    "POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
                        + "Authorization: Bearer \(token)\r\nContent-Length: \(event.utf8.count)\r\n\r\n"
                )
                #expect(try await wire.answer(hasBody: false).status == 100)
                try await wire.send(event)
                #expect(try await wire.answer().status == 200)
                #expect(try await server.heads()["rateChange:A"] == number)
            }
            try await wire.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: cake\r\nContent-Length: 1\r\n\r\nx")
            #expect(try await wire.end() == 417)
        }
    }

    /// What comes while the answer to the request before it is on its way is answered after that.
    @Test
    func aFaultIsAnsweredInItsTurn() async throws {
        try await withWitness { server, _ in
            let wire = try await server.connect()
            let good = Request.get("/health/live").text
            try await wire.send(good + good + "GET / HTTP/1.1\r\n\r\n" + good)
            #expect(try await wire.answer().status == 200)
            #expect(try await wire.answer().status == 200)
            let last = try await wire.answer()
            try last.expectProblem(400, "bad_request")
            #expect(last.fields["connection"] == "close")
            #expect(try await wire.end() == nil)
        }
    }
}
