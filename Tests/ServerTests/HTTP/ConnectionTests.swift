// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Server
import TestSupport
import Testing

/// HTTP/1.1 as it is spoken on one connection.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ConnectionTests {
    private static func event(_ id: Int) -> String {
        #"{"type":"rateChange","key":"A","id":"\#(id)","data":{"rate":"\#(id)"}}"#
    }

    @Test
    func aConnectionServesManyRequestsOneAfterAnother() async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            let wire = try await server.connect()
            for id in 1...5 {
                try await wire.send(Request.post(Self.event(id), token: token).text)
                #expect(try await wire.answer().status == 200)
                try await wire.send(Request.get("/channels/rateChange:A").text)
                #expect(try await wire.answer().json()["head"]?.integer(in: .seq) == id)
                try await wire.send(Request.get("/nothing").text)
                #expect(try await wire.answer().status == 404)
            }
            #expect(!wire.received.value.hasEnded)
        }
    }

    /// A body in answer to HEAD would be read as the next answer.
    @Test(
        arguments: ["/events", "/nothing", "/channels", "/channels?limit=0", "/channels/none:A", "/ws", "/audit", "/"],
        [false, true]
    )
    func whatIsAskedWithHeadHasNoBody(_ target: String, _ isAdmin: Bool) async throws {
        var setup = Setup()
        setup.isAdmin = isAdmin
        try await withServer(setup) { server in
            let wire = try await server.connect()
            for _ in 0..<2 {
                try await wire.send(Request("HEAD", target).text + Request.get("/health/live").text)
                _ = try await wire.answer(hasBody: false)
                #expect(try await wire.answer().json()["status"]?.string == "pass")
            }
        }
    }

    @Test
    func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            let wire = try await server.connect()
            var text = ""
            for id in 1...10 {
                text += Request.post(Self.event(id), token: token).text
                text += Request.get("/channels/rateChange:A").text
            }
            try await wire.send(text)
            for id in 1...10 {
                let published = try await wire.answer()
                let position = try published.json()["results"]?.elements.map { $0 }.first?["positions"]
                #expect(position?.elements.map { $0["seq"]?.integer(in: .seq) } == [id])
                #expect(try await wire.answer().json()["head"]?.integer(in: .seq) == id)
            }
        }
    }

    @Test(arguments: [0, 1, 17, 40, 200])
    func aRequestCutInTwoAnywhereIsServed(_ place: Int) async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            let wire = try await server.connect()
            let bytes = ByteBuffer(string: Request.post(Self.event(1), token: token).text)
            try await wire.send(try #require(bytes.getSlice(at: 0, length: place)))
            try await server.settle()
            try await wire.send(try #require(bytes.getSlice(at: place, length: bytes.readableBytes - place)))
            #expect(try await wire.answer().status == 200)
        }
    }

    @Test
    func aChunkedBodyIsReadWhole() async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            let wire = try await server.connect()
            try await wire.send(
                "POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer \(token)\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            for byte in Self.event(1).utf8 {
                try await wire.send("1\r\n\(Character(UnicodeScalar(byte)))\r\n")
            }
            try await wire.send("0\r\n\r\n")
            #expect(try await wire.answer().status == 200)
            #expect(try await server.heads() == ["rateChange:A": 1])
        }
    }

    @Test
    func aConnectionEndsWhereTheClientAsksForIt() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(Request("GET", "/health/live", fields: [("Connection", "close")]).text)
            #expect(try await wire.answer().status == 200)
            try await wire.waitForEnd()
        }
    }

    @Test
    func aClientThatSaysNoMoreAfterItsRequestIsAnswered() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(Request.post(Self.event(1), token: try await server.tokens.publisher()).text)
            try await wire.finish()
            #expect(try await wire.answer().status == 200)
            try await wire.waitForEnd()
            #expect(try await server.heads() == ["rateChange:A": 1])
        }
    }

    @Test
    func aRequestThatEndsEarlyStoresNothing() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            let text = Request.post("[" + Self.event(1) + "]", token: try await server.tokens.publisher()).text
            try await wire.send(String(text.dropLast()))
            try await wire.finish()
            try await wire.waitForEnd()
            #expect(try await server.heads().isEmpty)
        }
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "GET /health/live HTTP/1.1\r\nbad header\r\n\r\n",
    ])
    func whatIsNoRequestEndsTheConnection(_ text: String) async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(text)
            try await wire.waitForEnd()
            let answer = String(decoding: wire.received.value.bytes, as: UTF8.self)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 5"), "\(answer)")
            #expect(try await server.request(.get("/health/live")).status == 200)
        }
    }

    @Test
    func aHeadTooLargeIsRefused() async throws {
        try await withServer { server in
            let wire = try await server.connect()
            let padding = String(repeating: "x", count: 100_000)
            try? await wire.send("GET /health/live HTTP/1.1\r\nHost: h\r\nX-Padding: \(padding)\r\n\r\n")
            try await wire.waitForEnd()
            let answer = String(decoding: wire.received.value.bytes, as: UTF8.self)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer)")
            #expect(try await server.request(.get("/health/live")).status == 200)
        }
    }

    @Test
    func aClientThatNeverEndsItsHeadIsLeft() async throws {
        var setup = Setup()
        setup.edge.headSeconds = 1
        try await withServer(setup) { server in
            let wire = try await server.connect()
            try await wire.send("GET /health/live HTTP/1.1\r\nHost:")
            try await wire.waitForEnd()
            #expect(try await server.request(.get("/health/live")).status == 200)
        }
    }

    @Test
    func moreConnectionsThanAllowedAreRefused() async throws {
        var setup = Setup()
        setup.edge.httpConnections = 2
        try await withServer(setup) { server in
            var wires: [Wire] = []
            for _ in 0..<2 {
                let wire = try await server.connect()
                try await wire.send(Request.get("/health/live").text)
                #expect(try await wire.answer().status == 200)
                wires.append(wire)
            }
            let third = try await server.connect()
            try await third.send(Request.get("/health/live").text)
            let refusal = try await third.answer()
            try refusal.expectProblem(503, "overloaded")
            #expect(refusal.fields["retry-after"] != nil)
            try await third.waitForEnd()
            await wires.removeLast().close()
            try await eventually("there is room again") {
                let wire = try await server.connect()
                try await wire.send(Request.get("/health/live").text)
                return (try? await wire.answer().status) == 200
            }
        }
    }
}
