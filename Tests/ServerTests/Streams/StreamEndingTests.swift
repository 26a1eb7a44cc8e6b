// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Server
import TestSupport
import Testing

/// Why streams end or do not begin, and who comes back.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct StreamEndingTests {
    /// A request as a browser's `EventSource` makes it.
    private static func browser(_ query: String, from lastID: String? = nil) -> Request {
        let last = lastID.map { [(name: "Last-Event-ID", value: $0)] } ?? []
        return Request("GET", "/stream?" + query, fields: [("Accept", "text/event-stream")] + last)
    }

    /// The permanent end of a stream: the answer to an `EventSource` that reconnects, and to other clients.
    private static func expectGone(
        _ server: TestServer,
        _ query: String,
        _ stream: EventSource,
        _ code: String
    ) async throws {
        let id = try #require(stream.lastID)
        let answer = try await server.request(Self.browser(query, from: id))
        #expect(answer.status == 204)
        #expect(answer.body.isEmpty)
        try await server.request(Self.browser(query)).expectProblem(401, code)
        try await server.request(Request("GET", "/stream?" + query, fields: [("Last-Event-ID", id)]))
            .expectProblem(401, code)
    }

    @Test
    func aTokenThatExpiresEndsItsStream() async throws {
        var setup = Setup()
        setup.hub.shard.tick = .milliseconds(25)
        try await withServer(setup) { server in
            let token = try await server.tokens.user("u_42", for: .seconds(2))
            let query = "channel=transactionUpdate&access_token=\(token)"
            let stream = try await server.stream(query)
            try await stream.expect("subscribed")
            let close = try await stream.expect("close")
            #expect(close.names == ["op", "code", "reason"])
            #expect(close["code"]?.integer(in: .seq) == 4005)
            try await stream.expectEnd()
            try await Self.expectGone(server, query, stream, "token_expired")
            #expect(await server.sessionCount() == 0)
        }
    }

    @Test
    func revocationEndsStreams() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42")
            let query = "channel=transactionUpdate&access_token=\(token)"
            let stream = try await server.stream(query)
            try await stream.expect("subscribed")
            try await server.hub.revoke([Revocation(.init(.subject, "u_42"), time: .now, until: nil, reason: "")])
            #expect(try await stream.expect("close")["code"]?.integer(in: .seq) == 4502)
            try await stream.expectEnd()
            try await Self.expectGone(server, query, stream, "revoked")
        }
    }

    @Test
    func aNodeThatLeavesSaysGoodbyeAndWhenToComeBack() async throws {
        var setup = Setup()
        setup.hub.drainWindow = .seconds(20)
        try await withServer(setup) { server in
            let stream = try await server.stream("channel=rateChange:A")
            try await stream.expect("subscribed")
            await server.stop()
            let goodbye = try await stream.expect("goodbye")
            let wait = try #require(goodbye["reconnectAfter"]?.integer(in: .seq))
            let close = try await stream.expect("close")
            #expect(close["code"]?.integer(in: .seq) == 4001)
            try await stream.expectEnd()
            #expect(stream.retries.last == max(1, wait))
            try await stream.wire.waitForEnd()
        }
    }

    /// An `EventSource` gives up for good at any error: what passes must not look like one to it.
    @Test
    func whileANodeDrainsABrowserIsToldWhenToComeBackAndOthersGetTheError() async throws {
        try await withServer { server in
            let keeping = try await server.stream("channel=rateChange:A")
            try await keeping.expect("subscribed")
            async let draining: Void = server.hub.drain(over: .seconds(30))
            try await eventually("the node drains") { server.hub.isDraining }
            let answer = try await server.request(.get("/stream?channel=rateChange:A"))
            try answer.expectProblem(503, "draining")
            #expect(answer.fields["retry-after"] != nil)
            let told = try await server.request(Self.browser("channel=rateChange:A"))
            #expect(told.status == 200)
            #expect(told.fields["content-type"] == "text/event-stream")
            #expect(told.text.hasPrefix("retry: "))
            #expect(told.text.contains("event: goodbye\ndata: {\"op\":\"goodbye\",\"reason\":\"draining\""))
            server.hub.finishDrainNow()
            await draining
        }
    }

    @Test
    func streamsCountAsConnectionsOfTheirUser() async throws {
        var setup = Setup()
        setup.hub.connectionsPerUser = 2
        try await withServer(setup) { server in
            let token = try await server.tokens.user("u_42")
            _ = try await server.open(token: token)
            let stream = try await server.stream("channel=transactionUpdate", token: token)
            try await stream.expect("subscribed")
            try await server.request(.get("/stream?channel=transactionUpdate", token: token))
                .expectProblem(429, "too_many_connections")
            await stream.wire.close()
            try await eventually("the stream is counted off") { await server.sessionCount() == 1 }
            let next = try await server.stream("channel=transactionUpdate", token: token)
            try await next.expect("subscribed")
        }
    }

    /// A proxy's connection carries requests of many users: a stream counts against its own user.
    @Test
    func streamsBehindAProxyCountForTheirAddress() async throws {
        var setup = Setup()
        setup.edge.admission.connectionsPerAddress = 1
        setup.edge.admission.trustedProxies = [try #require(NetworkPrefix("127.0.0.0/8"))]
        try await withServer(setup) { server in
            func request(_ address: String) -> Request {
                Request("GET", "/stream?channel=rateChange:A", fields: [("X-Forwarded-For", address)])
            }
            let first = try await EventSource.open(request("192.0.2.1"), on: try await server.connect())
            try await server.request(request("192.0.2.1")).expectProblem(429, "too_many_connections")
            let second = try await EventSource.open(request("192.0.2.2"), on: try await server.connect())
            try await second.expect("welcome")
            await first.wire.close()
            try await eventually("the stream is counted off") { await server.sessionCount() == 1 }
            let third = try await EventSource.open(request("192.0.2.1"), on: try await server.connect())
            try await third.expect("welcome")
        }
    }

    /// A subscription that is lost in the middle ends the stream, whose return is then refused.
    @Test
    func aReaderThatRetentionOvertakesIsToldSo() async throws {
        let padding = String(repeating: "x", count: 40_000)
        var setup = Setup()
        setup.hub.ringBytes = 0
        var type = try #require(setup.hub.types["transactionUpdate"])
        type.retention = .seconds(60)
        setup.hub.types = EventTypes(declared: [type])
        try await withServer(setup) { server in
            let token = try await server.tokens.user("u_42")
            let stream = try await server.stream("channel=transactionUpdate", token: token, receiveBuffer: 16_384)
            try await stream.expect("subscribed")
            try await stream.wire.setReading(false)
            for number in 1...300 {
                try await server.publish(
                    #"{"type":"transactionUpdate","key":"u_42","id":"t-\#(number)","#
                        + #""data":{"type":"p2p","amount":"1","status":"new","pad":"\#(padding)"}}"#
                )
            }
            await server.hub.prune(now: Timestamp.now.advanced(by: .seconds(3600)))
            try await stream.wire.setReading(true)
            var last: EventSource.Event?
            while let event = try await stream.next() { last = event }
            #expect(last?.name == "error")
            #expect(try last?.json()["code"]?.string == "cursor_expired")
            let id = try #require(stream.lastID)
            let again = Request(
                "GET",
                "/stream?channel=transactionUpdate",
                token: token,
                fields: [("Last-Event-ID", id)]
            )
            try await server.request(again).expectProblem(410, "cursor_expired")
        }
    }
}
