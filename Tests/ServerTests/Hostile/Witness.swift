// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import TestSupport
import Testing

@testable import Server

/// An honest client that is served while others misbehave, and a watch on what that costs.
struct Witness: Sendable {
    /// By how much the process may grow while a test misbehaves, in bytes. The clients of the test are in it too.
    private static let mostGrowth = 96 << 20

    private let server: TestServer
    private let socket: Socket
    private let residentBefore: Int

    init(_ server: TestServer) async throws {
        self.server = server
        self.socket = try await Socket.open(on: try await server.connect())
        try await self.socket.expect("welcome")
        try await self.socket.send(#"{"op":"subscribe","channel":"rateChange:WITNESS"}"#)
        try await self.socket.expect("subscribed")
        self.residentBefore = ResidentMemory.bytes() ?? 0
    }

    /// Sees an event come and a request be answered, both soon, and memory within its bound.
    func isServed(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let start = ContinuousClock.now
        let receipt = try await self.server.publish(#"{"type":"rateChange","key":"WITNESS","data":{"rate":"1"}}"#)
        let event = try await self.socket.expect("event", sourceLocation: sourceLocation)
        #expect(event["seq"]?.integer(in: .seq) == receipt.first?.positions.first?.seq, sourceLocation: sourceLocation)
        let answer = try await self.server.request(.get("/health/live"))
        #expect(answer.status == 200, sourceLocation: sourceLocation)
        #expect(ContinuousClock.now - start < .seconds(5), sourceLocation: sourceLocation)
        let growth = (ResidentMemory.bytes() ?? 0) - self.residentBefore
        #expect(growth < Self.mostGrowth, "grew by \(growth >> 20) MiB", sourceLocation: sourceLocation)
    }
}

/// Runs a body against a server with somebody honest on it, who is served afterwards too.
func withWitness(_ setup: Setup = Setup(), _ body: (TestServer, Witness) async throws -> Void) async throws {
    try await withServer(setup) { server in
        let witness = try await Witness(server)
        try await body(server, witness)
        try await witness.isServed()
    }
}

extension Wire {
    /// Sees the connection end within a bound of time.
    /// - Returns: The status of the last answer on it; nil when the connection ended without one.
    func end(
        within limit: Duration = .seconds(5),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Int? {
        let start = ContinuousClock.now
        try await self.waitForEnd()
        #expect(ContinuousClock.now - start < limit, sourceLocation: sourceLocation)
        var status: Int?
        var rest = self.received.value.bytes
        while let (answer, length) = Answer.parse(rest, hasBody: true, hasEnded: true) {
            status = answer.status
            rest.removeFirst(length)
        }
        return status
    }
}
