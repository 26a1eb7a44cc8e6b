// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct HealthTests {
    @Test(arguments: ["/health/live", "/health/ready"])
    func aRunningHubIsHealthy(_ target: String) async throws {
        try await withServer { server in
            let answer = try await server.request(.get(target))
            #expect(answer.status == 200)
            #expect(answer.fields["content-type"] == "application/json")
            #expect(try answer.json()["status"]?.string == "pass")
        }
    }

    @Test
    func aHubWhoseTapeFailsLivesButIsNotReady() async throws {
        try await withServer { server in
            server.tape.fail(.append, .before(.unavailable("full")))
            let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            let token = try await server.tokens.publisher()
            #expect(try await server.request(.post(event, token: token)).status == 503)
            #expect(try await server.request(.get("/health/ready")).status == 503)
            #expect(try await server.request(.get("/health/live")).status == 200)
            #expect(try await server.request(.post(event, token: token)).status == 200)
            #expect(try await server.request(.get("/health/ready")).status == 200)
        }
    }

    /// The second request arrives on a connection that is held open by the first, which waits for its commit.
    @Test
    func aHubThatIsStoppingAnswersWhatIsUnderWayAndIsNotReady() async throws {
        try await withServer { server in
            let event = #"{"type":"rateChange","key":"A","id":"1","data":{"rate":"1"}}"#
            let wire = try await server.connect()
            let idle = try await server.connect()
            try await idle.send(Request.get("/health/live").text)
            #expect(try await idle.answer().status == 200)
            server.tape.appends.close()
            try await wire.send(Request.post(event, token: try await server.tokens.publisher()).text)
            try await server.tape.appends.waitForArrivals(1)
            await server.stop()
            try await idle.waitForEnd()
            try await wire.send(Request.get("/health/ready").text)
            server.tape.appends.open()
            #expect(try await wire.answer().status == 200)
            try await wire.waitForEnd()
            let rest = wire.received.value.bytes
            if !rest.isEmpty { #expect(try await wire.answer().status == 503) }
        }
    }

    @Test
    func aRequestThatIsCompleteOnlyAfterTheStopIsAskedToComeAgain() async throws {
        try await withServer { server in
            let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            let text = Request.post(event, token: try await server.tokens.publisher()).text
            let wire = try await server.connect()
            try await wire.send(Request.get("/health/ready").text)
            #expect(try await wire.answer().status == 200)
            try await wire.send(String(text.dropLast()))
            // Once a request that came later is answered, this one's bytes have been read: there is one loop.
            #expect(try await server.request(.get("/health/live")).status == 200)
            await server.stop()
            try await eventually("the hub is not ready") { !server.hub.isReady }
            try await wire.send(String(text.suffix(1)))
            let refused = try await wire.answer()
            try refused.expectProblem(503, "unavailable")
            #expect(refused.fields["retry-after"] != nil)
            try await wire.waitForEnd()
        }
    }

    @Test(arguments: [
        ("GET", "/index.html", 404), ("GET", "/nothing/here", 404), ("GET", "/health", 404), ("POST", "/nothing", 404),
        ("GET", "/events/1", 404), ("GET", "/ws/", 426), ("GET", "/%00", 404), ("GET", "/channels/../events", 400),
    ])
    func whatIsNotThereIsAProblem(_ method: String, _ target: String, _ status: Int) async throws {
        try await withServer { server in
            let answer = try await server.request(Request(method, target))
            #expect(answer.status == status, "\(answer.text)")
            #expect(answer.fields["content-type"] == "application/problem+json")
            #expect(try answer.json()["status"]?.integer(in: .seq) == status)
        }
    }

    /// 405, or 404 as the router has it; never an accepted event.
    @Test(arguments: [
        ("GET", "/events"), ("PUT", "/events"), ("DELETE", "/channels/rateChange:A"), ("POST", "/channels"),
    ])
    func otherMethodsAreRefused(_ method: String, _ target: String) async throws {
        try await withServer { server in
            let token = try await server.tokens.publisher()
            let body = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            let answer = try await server.request(Request(method, target, token: token, body: body))
            #expect([404, 405].contains(answer.status))
            #expect(answer.fields["content-type"] == "application/problem+json")
            #expect(try await server.heads().isEmpty)
        }
    }

    @Test
    func askingForTheWebSocketWithoutAnUpgradeIsToldSo() async throws {
        try await withServer { server in
            let answer = try await server.request(.get("/ws"))
            try answer.expectProblem(426, "upgrade_required")
            #expect(answer.fields["upgrade"]?.lowercased() == "websocket")
        }
    }
}
