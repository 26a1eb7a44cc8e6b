// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import SQLiteStore
import TestSupport
import Testing

/// Requests that bring about every answer of the public port.
struct ContractAnswers {
    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let rate = #"{"type":"rateChange","key":"A","id":"r-1","data":{"rate":"1"}}"#

    private let server: TestServer
    /// Of a user whose tokens are revoked.
    private let gone: String

    init(_ server: TestServer, gone: String) {
        self.server = server
        self.gone = gone
    }

    private func expect(_ request: Request, _ status: Int, sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let answer = try await self.server.request(request)
        let what = "\(request.method) \(request.target): \(answer.text.prefix(300))"
        #expect(answer.status == status, "\(what)", sourceLocation: sourceLocation)
    }

    // MARK: - Publishing

    func publish() async throws {
        let tokens = self.server.tokens
        let token = try await tokens.publisher()
        try await self.expect(.post(Self.rate, token: token, fields: [("traceparent", Self.trace)]), 200)
        try await self.expect(.post(Self.rate, token: token), 200)
        try await self.expect(.post(Self.rate.replacing(#""1"}"#, with: #""2"}"#), token: token), 409)
        try await self.expect(.post(Self.several, token: token), 200)
        let line = #"{"type":"rateChange","key":"A","data":{"rate":"3"}}"#
        try await self.expect(.post("\(line)\n\(line)\n", token: token, as: "application/x-ndjson"), 200)
        let cloud =
            #"{"specversion":"1.0","id":"c-1","source":"s","type":"rateChange","subject":"A","data":{"rate":"4"}}"#
        try await self.expect(.post(cloud, token: token, as: "application/cloudevents+json"), 200)
        try await self.expect(.post("[\(cloud)]", token: token, as: "application/cloudevents-batch+json"), 200)
        try await self.expect(.post("{", token: token), 400)
        try await self.expect(.post(Self.rate, token: nil), 401)
        try await self.expect(.post(Self.rate, token: try await tokens.foreign("x")), 401)
        let old = try await tokens.user("x", "publish:*", for: .seconds(-60))
        try await self.expect(.post(Self.rate, token: old), 401)
        try await self.expect(.post(Self.rate, token: self.gone), 401)
        try await self.expect(.post(Self.rate, token: try await tokens.user("u_42")), 403)
        try await self.expect(.post(Self.rate.replacing("rateChange", with: "nothing"), token: token), 404)
        try await self.expect(.post(String(repeating: " ", count: 100_001), token: token), 413)
        try await self.expect(.post(Self.rate, token: token, as: "text/plain"), 415)
        try await self.expect(.post(Self.rate.replacing(#""1"}"#, with: "1}"), token: token), 422)
        let many = Array(repeating: line, count: 51).joined(separator: "\n")
        try await self.expect(.post(many, token: token, as: "application/x-ndjson"), 429)
    }

    /// A little of everything.
    private static let several = """
        [{"type":"balanceUpdate","data":{"userId":"u_42","balance":"12.50","available":"12","version":4}},
        {"type":"balanceUpdate","data":{"userId":"u_42","balance":"1","currency":"EUR","walletId":"w"}},
        {"type":"transactionUpdate","id":"t-1","keys":["u_42","u_77"],"data":{"type":"p2p","amount":"1.5","status":"new",\
        "userId":"u_77","recipientId":"u_42"}},
        {"type":"transactionUpdate","key":"u_42","data":{"type":"trade","amount":"1","status":"done","pair":"A/B",\
        "side":"buy","price":"2","filledAmount":"1"}},
        {"type":"chainEvent","key":"0x1","data":{"chain":"c","event":"E","blockNumber":1,"blockHash":"0x0",\
        "transactionHash":"0x0","logIndex":0,"level":"final","args":{"a":"1"}}}]
        """

    // MARK: - Reading

    func read() async throws {
        let token = try await self.server.tokens.user("u_42")
        let foreign = try await self.server.tokens.foreign("u_42")
        for target in [
            "/channels/rateChange:A", "/channels/balanceUpdate:u_42", "/channels/transactionUpdate:u_42/events?limit=1",
            "/channels/rateChange:NEW", "/wallets?limit=1", "/wallets", "/wallets/w", "/transactions", "/rate?pair=A",
            "/rate?pair=NEW", "/rate?pair=A&pair=NEW", "/rate", "/rate?limit=1", "/broadtape.js", "/broadtape.d.ts",
            "/transactions?limit=1",
        ] {
            try await self.expect(.get(target, token: token), 200)
            try await self.expect(Request("HEAD", target, token: token), 200)
            let conditional = [(name: "If-None-Match", value: "*")]
            try await self.expect(Request("GET", target, token: token, fields: conditional), 304)
            if !target.hasPrefix("/broadtape") { try await self.expect(.get(target, token: foreign), 401) }
        }
        try await self.expect(.get("/channels", token: token), 200)
        try await self.expect(.get("/channels?limit=1", token: token), 200)
        try await self.expect(.get("/channels", token: foreign), 401)
        for target in [
            "/channels?limit=0", "/channels/x", "/channels/x/events", "/wallets?limit=0", "/wallets/w?user=%07",
            "/transactions?after=x", "/rate?pair=%07", "/channels/rateChange:A/events?limit=0",
        ] {
            try await self.expect(.get(target, token: token), 400)
        }
        for target in [
            "/channels/balanceUpdate:u_7", "/channels/balanceUpdate:u_7/events", "/wallets?user=u_7",
            "/wallets/w?user=u_7", "/transactions?user=u_7",
        ] {
            try await self.expect(.get(target, token: token), 403)
        }
        for target in ["/channels/nothing:A", "/channels/nothing:A/events", "/wallets/none", "/nothing"] {
            try await self.expect(.get(target, token: token), 404)
        }
        try await self.expect(.get("/channels/rateChange:A/events?after=1000"), 410)
        for target in ["/health/live", "/health/ready"] { try await self.expect(.get(target), 200) }
        // Above the limit of bytes before anything is made of it, and above that of fields.
        for fields in [[("X", String(repeating: "x", count: 20_000))], (0..<110).map { ("X-\($0)", "x") }] {
            try await self.expect(Request("GET", "/health/live", fields: fields), 431)
        }
        try await self.expect(.get("/ws"), 426)
        try await self.expect(.upgrade(version: "8"), 426)
        try await self.expect(.upgrade(), 101)
        try await self.expect(
            Request("GET", "/ws", fields: [("Upgrade", "websocket"), ("Connection", "Upgrade")]),
            400
        )
        try await self.expect(.upgrade(fields: [("Origin", "https://b.example")]), 403)
    }

    // MARK: - Following

    func stream() async throws {
        let user = try await self.server.tokens.user("u_42")
        let stream = try await self.server.stream(
            "channel=rateChange:A&channel=transactionUpdate&since=0",
            token: user
        )
        // Two subscribed, a snapshot, two events, caughtUp; heartbeats come in between.
        var seen: Set<String> = []
        while !seen.isSuperset(of: ["subscribed", "snapshot", "event", "caughtUp", "heartbeat"]) {
            seen.insert(try #require(try await stream.next()).name)
        }
        await stream.wire.close()
        for (query, token, status) in [
            ("channel=rateChange:A&since=-1", nil, 400), ("channel=balanceUpdate:u_42", nil, 401),
            ("channel=balanceUpdate:u_7", user, 403), ("channel=nothing:A", nil, 404),
            ("channel=rateChange:A&since=0&epoch=x", nil, 409), ("channel=rateChange:A&since=1000", nil, 410),
            ("channel=rateChange:A", self.gone, 401),
            ((1...5).map { "channel=rateChange:\($0)" }.joined(separator: "&"), nil, 429),
        ] as [(String, String?, Int)] {
            try await self.expect(.get("/stream?" + query, token: token), status)
        }
        let browser = [(name: "Accept", value: "text/event-stream"), (name: "Last-Event-ID", value: "1")]
        let query = "channel=transactionUpdate&access_token=\(self.gone)"
        try await self.expect(Request("GET", "/stream?" + query, fields: browser), 204)
        // As many as a user may have, and one more.
        var open: [EventSource] = []
        let crowd = try await self.server.tokens.user("crowd")
        for _ in 1...3 { open.append(try await self.server.stream("channel=rateChange:A", token: crowd)) }
        try await self.expect(.get("/stream?channel=rateChange:A", token: crowd), 429)
        for stream in open { await stream.wire.close() }
    }

    // MARK: - Trouble

    func withoutTape(_ tape: SQLiteTape) async throws {
        let watching = try await self.server.open()
        try await watching.say(#"{"op":"subscribe","channel":"rateChange:A"}"#)
        try await watching.until("subscribed")
        await tape.close()
        let token = try await self.server.tokens.user("u_42", "publish:*")
        try await self.expect(.post(Self.rate, token: token), 503)
        for target in [
            "/channels", "/channels/rateChange:A", "/channels/rateChange:A/events", "/wallets", "/wallets/w",
            "/transactions", "/rate?pair=A", "/stream?channel=rateChange:UNOPENED", "/health/ready",
        ] {
            try await self.expect(.get(target, token: token), 503)
        }
        while try await watching.until("heartbeat")["paused"] == nil {}
    }
}
