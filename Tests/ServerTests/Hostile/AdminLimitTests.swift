// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import TestSupport
import Testing

@testable import Server

/// The operators' port has the limits of the public one.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct AdminLimitTests {
    private static var setup: Setup {
        var setup = Setup()
        setup.isAdmin = true
        setup.edge.headSeconds = 1
        setup.edge.bodyTime = .seconds(1)
        return setup
    }

    @Test func headsThatNeverEndAreNotKept() async throws {
        try await withServer(Self.setup) { server in
            var wires: [Wire] = []
            for index in 0..<300 {
                let wire = try await server.connect()
                if index % 3 > 0 { try await wire.send("GET /status HTTP/1.1\r\nHost: h\r\nX-") }
                wires.append(wire)
            }
            #expect(try await server.request(.get("/health/live")).status == 200)
            for wire in wires { #expect(try await wire.end() == nil) }
        }
    }

    @Test func aBodyThatStopsEndsInTime() async throws {
        try await withServer(Self.setup) { server in
            let wire = try await server.connect()
            try await wire.send(
                "POST /revocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            )
            #expect(try await wire.end() == 408)
        }
    }

    @Test func anAddressHasSoManyConnections() async throws {
        var setup = Self.setup
        setup.edge.admission.connectionsPerAddress = 2
        try await withServer(setup) { server in
            var wires: [Wire] = []
            for _ in 0..<2 {
                let wire = try await server.connect()
                try await wire.send(Request.get("/status").text)
                #expect(try await wire.answer().status == 200)
                wires.append(wire)
            }
            try await server.request(.get("/status")).expectProblem(429, "too_many_connections")
            await wires.removeLast().close()
            try await eventually("there is room again") { try await server.request(.get("/status")).status == 200 }
        }
    }

    @Test func thereAreSoManyConnections() async throws {
        var setup = Self.setup
        setup.edge.admission.connections = 1
        try await withServer(setup) { server in
            let wire = try await server.connect()
            try await wire.send(Request.get("/status").text)
            #expect(try await wire.answer().status == 200)
            let refusal = try await server.request(.get("/status"))
            try refusal.expectProblem(503, "overloaded")
            #expect(refusal.fields["retry-after"] != nil)
            await wire.close()
            try await eventually("there is room again") { try await server.request(.get("/status")).status == 200 }
        }
    }

    @Test func thereAreNoWebSockets() async throws {
        try await withServer(Self.setup) { server in
            #expect(try await server.request(Request.upgrade()).status == 404)
            // Nor on a connection that has served requests.
            let wire = try await server.connect()
            try await wire.send(Request.get("/health/live").text)
            #expect(try await wire.answer().status == 200)
            try await wire.send(Request.upgrade().text)
            #expect(try await wire.answer().status == 404)
        }
    }

    /// Who asks for much and takes none of it does not keep what others need, on either port.
    @Test(arguments: [false, true])
    func whoTakesNoAnswerIsLeft(_ isAdmin: Bool) async throws {
        var setup = Self.setup
        setup.isAdmin = isAdmin
        setup.edge.admission.connections = 1
        try await withServer(setup) { server in
            let padding = String(repeating: "x", count: 30_000)
            let data = #"{"chain":"c","event":"e","blockNumber":1,"blockHash":"b","transactionHash":"t","#
            let rest = #""logIndex":1,"level":"final","pad":"\#(padding)"}"#
            let event = #"{"type":"chainEvent","key":"c","data":\#(data)\#(rest)}"#
            for _ in 0..<50 { try await server.publish(event) }
            let wire = try await server.connect(receiveBuffer: 16_384)
            try await wire.setReading(false)
            try await wire.send(
                String(repeating: Request.get("/channels/chainEvent:c/events?limit=1000").text, count: 200)
            )
            #expect(try await server.request(.get("/health/live")).status == 503)
            try await eventually("it is gone") { try await server.request(.get("/health/live")).status == 200 }
        }
    }

    // MARK: - Descriptors

    /// The reserve is used up from its beginning, by clients first and by the hub last.
    @Test(
        arguments: [
            (0, 0), (895, 0), (896, 1), (927, 1), (928, 2), (960, 3), (992, 4), (1_023, 4), (5_000, 4), (nil, 4),
        ] as [(Int?, Int)]
    )
    func theReserveHasAnOrder(_ lowestFree: Int?, _ shortage: Int) {
        #expect(Descriptors.shortage(lowestFree: lowestFree, limit: 1_024, reserve: 128).rawValue == shortage)
    }

    @Test func theReserveFollowsTheLimit() {
        #expect([16, 64, 256, 1_024, 1 << 20].map(Descriptors.reserve) == [16, 16, 32, 128, 128])
    }

    /// As if there were no descriptors left for clients: each gets an error, and operators are served.
    @Test(arguments: [false, true])
    func withoutDescriptorsOperatorsAreServed(_ isAdmin: Bool) async throws {
        var setup = Self.setup
        setup.isAdmin = isAdmin
        setup.descriptors = Descriptors(limit: 1, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        try await withServer(setup) { server in
            let wire = try await server.connect()
            try await wire.send(Request.get("/health/live").text)
            let answer = try await wire.answer()
            #expect(answer.status == 503)
            #expect(answer.fields["retry-after"] == "5")
            #expect(try await wire.end() == nil)
            #expect(setup.descriptors?.refusals ?? 0 > 0)
        }
    }
}
