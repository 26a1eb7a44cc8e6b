// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import NIOCore
import TestSupport
import Testing

@testable import Server

/// Clients that take their time, to hold what others need.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct SlowClientSystemTests {
    private static var impatient: Setup {
        var setup = Setup()
        setup.edge.headSeconds = 1
        setup.edge.bodyTime = .seconds(1)
        return setup
    }

    /// Hundreds of connections that never get to the end of their head.
    @Test
    func slowHeadsEndInTime() async throws {
        try await withWitness(Self.impatient) { server, witness in
            var wires: [Wire] = []
            for index in 0..<200 {
                let wire = try await server.connect()
                let isWebSocket = index.isMultiple(of: 2)
                try await wire.send("GET /ws HTTP/1.1\r\nHost: h\r\n" + (isWebSocket ? "Upgrade: websocket\r\n" : "X-"))
                wires.append(wire)
            }
            try await witness.isServed()
            for wire in wires { #expect(try await wire.end() == nil) }
        }
    }

    @Test
    func aHeadThatDripsEndsInTime() async throws {
        try await withWitness(Self.impatient) { server, witness in
            let good = Request.get("/health/live").text
            let drop = "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "X: y\r\n", count: 100)
            let (first, second) = (try await server.connect(), try await server.connect())
            try await second.send(good)
            #expect(try await second.answer().status == 200)
            async let dripping: Void = first.drip(drop)
            async let drippingToo: Void = second.drip(drop)
            try await witness.isServed()
            #expect(try await first.end() == nil)
            #expect(try await second.end() == 408)
            _ = try await (dripping, drippingToo)
        }
    }

    @Test(arguments: ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"])
    func aSlowBodyEndsInTime(_ head: String) async throws {
        try await withWitness(Self.impatient) { server, witness in
            let token = try await server.tokens.publisher()
            let wire = try await server.connect()
            try await wire.send(
                "POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer \(token)\r\n" + head
            )
            async let dripping: Void = wire.drip(String(repeating: " ", count: 500))
            try await witness.isServed()
            #expect(try await wire.end() == 408)
            try await dripping
        }
    }

    @Test
    func aBodyThatStopsEndsInTime() async throws {
        try await withWitness(Self.impatient) { server, _ in
            let wire = try await server.connect()
            let token = try await server.tokens.publisher()
            let request = Request.post(#"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#, token: token).text
            try await wire.send(String(request.dropLast()))
            #expect(try await wire.end() == 408)
        }
    }

    @Test
    func idleConnectionsEnd() async throws {
        var setup = Self.impatient
        setup.edge.idleTime = .seconds(1)
        try await withWitness(setup) { server, witness in
            let silent = try await server.connect()
            let idle = try await server.connect()
            try await idle.send(Request.get("/health/live").text)
            #expect(try await idle.answer().status == 200)
            try await witness.isServed()
            #expect(try await silent.end() == nil)
            #expect(try await idle.end() == nil)
        }
    }

    /// One that asks for much and reads nothing, over both protocols.
    @Test
    func whoNeverReadsCostsABoundedAmount() async throws {
        try await withWitness { server, witness in
            let padding = String(repeating: "x", count: 30_000)
            let data = #"{"chain":"c","event":"e","blockNumber":1,"blockHash":"b","transactionHash":"t","#
            let rest = #""logIndex":1,"level":"final","pad":"\#(padding)"}"#
            let event = #"{"type":"chainEvent","key":"c","data":\#(data)\#(rest)}"#
            for _ in 0..<50 { try await server.publish(event) }
            let wire = try await server.connect(receiveBuffer: 16_384)
            try await wire.setReading(false)
            let request = Request.get("/channels/chainEvent:c/events?limit=1000").text
            // 150 MB of answers, none of which is taken.
            try await wire.send(String(repeating: request, count: 100))
            let socket = try await Socket.open(on: try await server.connect(receiveBuffer: 16_384))
            try await socket.expect("welcome")
            try await socket.wire.setReading(false)
            let history = #"{"op":"history","channel":"chainEvent:c","limit":1000,"after":0}"#
            for _ in 0..<100 { try await socket.send(history) }
            for _ in 0..<20 { try await witness.isServed() }
        }
    }
}
