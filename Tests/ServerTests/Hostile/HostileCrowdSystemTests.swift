// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

@testable import Server

/// Many connections, and those who may not have them.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct HostileCrowdSystemTests {
    /// Connections that are reset at every stage of their life.
    @Test
    func aStormOfResetsLeavesNothingBehind() async throws {
        try await withWitness { server, witness in
            let beginnings = [
                "", "GET", Request.get("/health/live").text, Request.upgrade().text,
                "POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc",
            ]
            for round in 0..<10 {
                await withTaskGroup(of: Void.self) { group in
                    for index in 0..<50 {
                        group.addTask {
                            guard let wire = try? await Wire.connect(to: server.port) else { return }
                            try? await wire.send(beginnings[(round + index) % beginnings.count])
                            await wire.reset()
                        }
                    }
                }
                try await witness.isServed()
            }
            try await eventually("only the witness is left") { await server.sessionCount() == 1 }
        }
    }

    @Test
    func anAddressHasSoManyConnectionsAndNoMore() async throws {
        var setup = Setup()
        setup.edge.admission.connectionsPerAddress = 5
        try await withServer(setup) { server in
            var sockets: [Socket] = []
            for _ in 0..<5 { sockets.append(try await server.open()) }
            for request in [Request.get("/health/live"), Request.upgrade()] {
                let wire = try await server.connect()
                try await wire.send(request.text)
                let answer = try await wire.answer()
                try answer.expectProblem(429, "too_many_connections")
                #expect(answer.fields["retry-after"] == "5")
                #expect(try await wire.end() == nil)
            }
            let last = sockets.removeLast()
            try await last.close()
            try await last.expectClose(1000)
            try await eventually("there is room again") {
                try await server.request(.get("/health/live")).status == 200
            }
        }
    }

    /// Who is turned away and says nothing does not stay.
    @Test
    func whoIsTurnedAwayIsGoneSoon() async throws {
        var setup = Setup()
        setup.edge.admission.connectionsPerAddress = 1
        try await withServer(setup) { server in
            let socket = try await server.open()
            let silent = try await server.connect()
            #expect(try await silent.end() == nil)
            try await socket.close()
            try await socket.expectClose(1000)
        }
    }

    @Test
    func aUserHasSoManyConnectionsAndNoMore() async throws {
        var setup = Setup()
        setup.hub.connectionsPerUser = 2
        try await withServer(setup) { server in
            let token = try await server.tokens.user("u_1")
            let first = try await server.open(token: token)
            let second = try await server.open(token: token)
            // A fresh token on the same connection is no new connection.
            try await second.send(#"{"op":"auth","token":"\#(try await server.tokens.user("u_1"))"}"#)
            try await second.expect("authenticated")
            let third = try await server.open()
            try await third.send(#"{"op":"auth","token":"\#(token)"}"#)
            try await third.expectError("too_many_connections")
            try await third.expectClose(4504)
            _ = try await server.open(token: try await server.tokens.user("u_2"))
            try await first.close()
            try await first.expectClose(1000)
            try await eventually("there is room again") {
                let socket = try await server.open()
                try await socket.send(#"{"op":"auth","token":"\#(token)"}"#)
                return try await socket.next()["op"]?.string == "authenticated"
            }
        }
    }

    @Test
    func aServicePublishesAtItsRate() async throws {
        var setup = Setup()
        setup.hub.publishRate = .init(perSecond: 1, burst: 10)
        try await withServer(setup) { server in
            let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            let events = "[" + Array(repeating: event, count: 10).joined(separator: ",") + "]"
            let token = try await server.tokens.publisher("busy")
            #expect(try await server.request(.post(events, token: token)).status == 200)
            let answer = try await server.request(.post(events, token: token))
            try answer.expectProblem(429, "rate_limited")
            #expect(answer.fields["retry-after"].flatMap { Int($0) }.map { 1...10 ~= $0 } == true)
            let socket = try await server.open(token: token)
            try await socket.send(#"{"op":"publish","id":7,"events":\#(events)}"#)
            let error = try await socket.expectError("rate_limited")
            #expect(error["id"]?.integer(in: .seq) == 7)
            #expect(error["action"]?.string == "retry")
            #expect(error["retryAfter"]?.integer(in: .seq).map { 1...10_000 ~= $0 } == true)
            #expect(try await server.heads() == ["rateChange:A": 10])
            let other = try await server.tokens.publisher("other")
            #expect(try await server.request(.post(event, token: other)).status == 200)
        }
    }

    private static func countries() throws -> BlockedCountries {
        let path = "/tmp/countries-\(UInt64.random(in: 0 ... .max))"
        return try Self.withFile("127.0.0.0/8,XA\n192.0.2.0/24,XB\n", at: path) {
            try BlockedCountries(["xb"], file: path)
        }
    }

    private static func withFile<Result>(_ text: String, at path: String, _ body: () throws -> Result) throws -> Result
    {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body()
    }

    @Test
    func blockedCountriesAreKnownByWhomATrustedProxySpeaksFor() async throws {
        var setup = Setup()
        setup.countries = try Self.countries()
        for isTrusted in [true, false] {
            setup.edge.admission.trustedProxies = isTrusted ? [try #require(NetworkPrefix("127.0.0.1"))] : []
            try await withServer(setup) { server in
                let from = { (address: String) in [(name: "X-Forwarded-For", value: address)] }
                let wire = try await server.connect()
                try await wire.send(Request("GET", "/health/live", fields: from("198.51.100.1")).text)
                #expect(try await wire.answer().status == 200)
                try await wire.send(Request("GET", "/health/live", fields: from("192.0.2.1")).text)
                #expect(try await wire.answer().status == (isTrusted ? 403 : 200))
                let upgrade = try await server.connect()
                try await upgrade.send(Request.upgrade(fields: from("198.51.100.1, 192.0.2.1")).text)
                #expect(try await upgrade.answer().status == (isTrusted ? 403 : 101))
                let late = try await server.connect()
                try await late.send(Request("GET", "/health/live", fields: from("198.51.100.1")).text)
                #expect(try await late.answer().status == 200)
                try await late.send(Request.upgrade(fields: from("192.0.2.1")).text)
                #expect(try await late.answer().status == (isTrusted ? 403 : 101))
            }
        }
    }

    @Test
    func aBlockedAddressIsTurnedAway() async throws {
        var setup = Setup()
        let path = "/tmp/countries-\(UInt64.random(in: 0 ... .max))"
        let countries = try Self.withFile("::/0,XB\n", at: path) { try BlockedCountries(["XB"], file: path) }
        setup.countries = countries
        try await withServer(setup) { server in
            for request in [Request.get("/health/live"), Request.upgrade()] {
                let answer = try await server.request(request)
                try answer.expectProblem(403, "forbidden")
            }
            // Bad lines keep what was read before; good ones count at once.
            try Self.withFile("127.0.0.0/8,XA\nnonsense\n", at: path) {
                let fault = #expect(throws: BlockedCountries.Fault.self) { try countries.reload() }
                #expect(fault?.description.contains(":2:") == true)
            }
            #expect(try await server.request(.get("/health/live")).status == 403)
            try Self.withFile("::/0,XB\n127.0.0.0/8,XA\n", at: path) { try countries.reload() }
            #expect(try await server.request(.get("/health/live")).status == 200)
        }
    }

    @Test
    func pagesOfOtherOriginsAreToldSo() async throws {
        var setup = Setup()
        for (origins, allowed, header) in [
            (AllowedOrigins.any, true, "*"), (AllowedOrigins(["https://a.example"]), true, "https://a.example"),
            (AllowedOrigins(["https://b.example"]), false, nil),
        ] as [(AllowedOrigins?, Bool, String?)] {
            setup.edge.origins = try #require(origins)
            try await withServer(setup) { server in
                let origin = [(name: "Origin", value: "https://a.example")]
                for target in ["/health/live", "/channels", "/nothing"] {
                    let answer = try await server.request(Request("GET", target, fields: origin))
                    #expect(answer.fields["access-control-allow-origin"] == header)
                    #expect(answer.fields["vary"] == (origins == .any ? nil : "Origin"))
                }
                let preflight = try await server.request(
                    Request("OPTIONS", "/channels", fields: origin + [("Access-Control-Request-Method", "GET")])
                )
                #expect(preflight.status == (allowed ? 204 : 403))
                #expect(
                    preflight.fields["access-control-allow-headers"]
                        == (allowed ? "Authorization, If-None-Match, Last-Event-ID" : nil)
                )
                let upgrade = try await server.request(.upgrade(fields: origin))
                #expect(upgrade.status == (allowed ? 101 : 403))
                #expect(try await server.request(.upgrade()).status == 101)
                let plain = try await server.request(.get("/health/live"))
                #expect(plain.status == 200 && plain.fields["access-control-allow-origin"] == nil)
            }
        }
    }

    @Test
    func nobodyNewIsTakenInAboveTheMemoryLimit() async throws {
        var setup = Setup()
        setup.edge.admission.memoryBytes = 1
        // Not through `withServer`, which only waits for the hub: the first look may come after the first connection.
        try await withServer(setup) { server in
            try await eventually("new connections are refused") {
                try await server.request(.get("/health/live")).status == 503
            }
            let answer = try await server.request(.upgrade())
            try answer.expectProblem(503, "overloaded")
            #expect(answer.fields["retry-after"] != nil)
        }
    }
}
