// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// What brings about every message of a WebSocket and its close codes. ``ContractAnswers`` has published before.
struct ContractFrames {
    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let rate =
        #"{"type":"rateChange","key":"T","traceparent":"\#(Self.trace)","data":{"rate":"1"}}"#

    private let server: TestServer
    private let gone: String

    init(_ server: TestServer, gone: String) {
        self.server = server
        self.gone = gone
    }

    func run() async throws {
        try await self.subscribe()
        try await self.publish()
        try await self.trouble()
        try await self.mistakes()
    }

    private func subscribe() async throws {
        let tokens = self.server.tokens
        let socket = try await self.server.open()
        try await socket.say(#"{"op":"auth","id":1,"token":"\#(try await tokens.user("u_9", "read:*"))"}"#)
        try await socket.until("authenticated")
        try await self.server.publish(Self.rate)
        try await socket.say(#"{"op":"subscribe","id":"a","channel":"rateChange:T","interval":20}"#)
        try await socket.until("snapshot")
        // Three at once; the newest replaces the others.
        try await self.server.publish(Self.rate, Self.rate, Self.rate)
        #expect(try await socket.until("event")["skipped"]?.integer(in: .seq) == 2)
        try await socket.say(
            #"{"op":"subscribe","id":2,"channels":[{"channel":"transactionUpdate:u_42","since":0},"#
                + #"{"channel":"chainEvent:0x1","snapshot":false}]}"#
        )
        try await socket.until("caughtUp")
        try await socket.say(#"{"op":"history","id":3,"channel":"transactionUpdate:u_42","limit":1}"#)
        try await socket.until("history")
        try await socket.say(#"{"op":"ping","id":4}"#)
        try await socket.until("pong")
        try await socket.say(#"{"op":"unsubscribe","id":5,"channel":"rateChange:T"}"#)
        try await socket.until("unsubscribed")
        try await socket.say(#"{"op":"auth","token":"\#(try await tokens.user("u_9"))"}"#)
        #expect(try await socket.until("unsubscribed")["reason"]?.string == "forbidden")
        await socket.wire.close()
    }

    private func publish() async throws {
        let socket = try await self.server.open(token: try await self.server.tokens.publisher("svc-2"))
        try await socket.say(#"{"op":"publish","id":1,"events":[\#(Self.rate)]}"#)
        try await socket.until("published")
        let event = #"{"type":"rateChange","key":"T","id":"x","data":{"rate":"1"}}"#
        let padding = String(repeating: "x", count: 70_000)
        for (events, code) in [
            (event, nil), (event.replacing(#""1"}"#, with: #""2"}"#), "conflict"),
            (event.replacing(#""1"}"#, with: "1}"), "invalid_event"),
            (event.replacing("rateChange", with: "nothing"), "unknown_type"),
            (event.replacing(#""1"}"#, with: #""1","p":"\#(padding)"}"#), "too_large"),
            (
                Array(repeating: #"{"type":"rateChange","key":"T","data":{"rate":"1"}}"#, count: 51).joined(
                    separator: ","
                ),
                "rate_limited"
            ),
        ] as [(String, String?)] {
            try await socket.send(#"{"op":"publish","id":2,"events":[\#(events)]}"#)
            if let code {
                #expect(try await socket.until("error")["code"]?.string == code)
            } else {
                try await socket.until("published")
            }
        }
        self.server.tape.fail(.append, .before(.unavailable("away")))
        try await socket.send(#"{"op":"publish","id":3,"events":[\#(Self.rate)]}"#)
        #expect(try await socket.until("error")["code"]?.string == "unavailable")
        try await eventually("the tape is well again") { self.server.hub.isReady }
        await socket.wire.close()
    }

    private func trouble() async throws {
        let socket = try await self.server.open()
        try await socket.say(#"{"op":"subscribe","channel":"rateChange:T"}"#)
        try await socket.until("subscribed")
        self.server.hub.sources.report(SourceReport(name: "rate:x", types: ["rateChange"], state: .stale))
        while try await socket.until("heartbeat")["stale"] == nil {}
        self.server.hub.sources.withdraw("rate:x")
        await socket.wire.close()
    }

    private func mistakes() async throws {
        let socket = try await self.server.open(token: try await self.server.tokens.user("u_5"))
        for (message, code) in [
            (#"{"op":"subscribe"}"#, "bad_request"), (#"{"op":"dance"}"#, "unknown_op"),
            (#"{"op":"subscribe","channel":"balanceUpdate:u_7"}"#, "forbidden"),
            (#"{"op":"subscribe","channel":"rateChange:T","since":100000}"#, "cursor_expired"),
            (#"{"op":"subscribe","channel":"rateChange:T","since":1,"epoch":"x"}"#, "epoch_changed"),
            (#"{"op":"unsubscribe","channel":"rateChange:T"}"#, "not_subscribed"),
        ] {
            try await socket.send(message)
            #expect(try await socket.until("error")["code"]?.string == code)
        }
        try await socket.say(#"{"op":"subscribe","channel":"rateChange:T","snapshot":false}"#)
        try await socket.until("subscribed")
        try await socket.say(#"{"op":"subscribe","channel":"rateChange:T"}"#)
        #expect(try await socket.until("error")["code"]?.string == "already_subscribed")
        await socket.wire.close()
        let nobody = try await self.server.open()
        try await nobody.send(#"{"op":"subscribe","id":1,"channel":"balanceUpdate:u_42"}"#)
        #expect(try await nobody.until("error")["code"]?.string == "not_authenticated")
        await nobody.wire.close()
    }

    // MARK: - Closing

    func close() async throws {
        let tokens = self.server.tokens
        for (token, error, code) in [
            (try await tokens.foreign("x"), "bad_token", 4501),
            (try await tokens.user("x", for: .seconds(-60)), "token_expired", 4005), (self.gone, "revoked", 4502),
        ] {
            let socket = try await self.server.open()
            try await socket.say(#"{"op":"auth","token":"\#(token)"}"#)
            #expect(try await socket.until("error")["code"]?.string == error)
            try await socket.expectClose(code)
        }
        let many = try await self.server.open()
        let channels = (1...5).map { #"{"channel":"rateChange:\#($0)"}"# }.joined(separator: ",")
        try await many.say(#"{"op":"subscribe","channels":[\#(channels)]}"#)
        #expect(try await many.until("error")["code"]?.string == "too_many_subscriptions")
        try await many.expectClose(4505)
        try await self.crowd()
        let flood = try await self.server.open()
        for _ in 1...400 { try? await flood.send(#"{"op":"ping"}"#) }
        #expect(try await flood.until("goodbye")["reason"]?.string == "rate_limited")
        try await flood.expectClose(4508)
        let binary = try await self.server.open()
        try await binary.sendBinary("x")
        try await binary.expectClose(4500)
        for (bytes, code) in [
            ([0x81, 0x00], 1002), ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
            ([0x81, 0xFF, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0], 1009),
        ] as [([UInt8], Int)] {
            let socket = try await self.server.open()
            try await socket.wire.send(ByteBuffer(bytes: bytes))
            try await socket.expectClose(code)
        }
    }

    private func crowd() async throws {
        let token = try await self.server.tokens.user("crowd-2")
        var sockets: [Socket] = []
        for _ in 1...3 { sockets.append(try await self.server.open(token: token)) }
        let socket = try await self.server.open()
        try await socket.say(#"{"op":"auth","token":"\#(token)"}"#)
        #expect(try await socket.until("error")["code"]?.string == "too_many_connections")
        try await socket.expectClose(4504)
        for socket in sockets { await socket.wire.close() }
    }
}

extension Socket {
    /// Sends a message that is as it should be.
    func say(_ text: String) async throws {
        Recording.current?.sent(text)
        try await self.send(text)
    }

    /// Takes messages up to one of a kind.
    @discardableResult
    func until(_ op: String) async throws -> JSON.Value {
        while true {
            let message = try await self.next()
            if message["op"]?.string == op { return message }
        }
    }
}
