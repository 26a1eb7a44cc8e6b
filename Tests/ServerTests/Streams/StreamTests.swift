// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Server
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct StreamTests {
    private static func rate(_ rate: Int, _ key: String = "A") -> String {
        #"{"type":"rateChange","key":"\#(key)","id":"r-\#(key)-\#(rate)","time":"2026-11-20T16:00:00Z","#
            + #""data":{"rate":"\#(rate)"}}"#
    }

    private static func transaction(_ number: Int, _ user: String = "u_42") -> String {
        #"{"type":"transactionUpdate","key":"\#(user)","id":"t-\#(number)","time":"2026-11-20T16:00:00Z","#
            + #""data":{"type":"p2p","amount":"\#(number)","status":"new"}}"#
    }

    /// The same subscriptions on a WebSocket and on a stream get the same messages, byte for byte.
    @Test
    func aStreamSaysWhatAWebSocketSays() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42")
            for number in 1...3 { try await server.publish(Self.rate(number), Self.transaction(number)) }
            let socket = try await server.open(token: token)
            for channel in [
                #"{"channel":"rateChange:A"}"#, #"{"channel":"transactionUpdate","since":1}"#,
            ] {
                try await socket.send(#"{"op":"subscribe","channels":[\#(channel)]}"#)
            }
            let stream = try await server.stream("channel=rateChange:A&channel=transactionUpdate&since=1", token: token)
            #expect(stream.head.fields["cache-control"] == "no-store")
            #expect(stream.head.fields["x-accel-buffering"] == "no")
            #expect(stream.head.fields["transfer-encoding"] == "chunked")
            #expect(stream.retries.count == 1 && stream.retries[0] >= 1_000)
            for _ in 1...6 {
                // Two subscribed, the snapshot, events 2 and 3, caughtUp.
                #expect(try await stream.next()?.data == (try await socket.next().written))
            }
            for number in 4...9 {
                try await server.publish(Self.rate(number), Self.transaction(number))
                for _ in 1...2 {
                    #expect(try await stream.next()?.data == (try await socket.next().written))
                }
            }
        }
    }

    @Test
    func heartbeatsTellTheHeadsThatMoved() async throws {
        var setup = Setup()
        setup.hub.shard.heartbeat = .milliseconds(50)
        try await withServer(setup) { server in
            let stream = try await server.stream("channel=rateChange:A")
            try await stream.expect("subscribed")
            #expect(try await stream.expect("heartbeat")["heads"]?.written == "{}")
            try await server.publish(Self.rate(1))
            var heads: [String] = []
            while heads.last != #"{"rateChange:A":1}"# {
                let event = try #require(try await stream.next())
                if event.name == "heartbeat" { heads.append(try event.json()["heads"]?.written ?? "") }
                if event.name == "heartbeat" { #expect(event.id == nil) }
            }
        }
    }

    @Test(arguments: [
        ("", 400, "bad_request"), ("?since=1", 400, "bad_request"), ("?channel=", 400, "bad_request"),
        ("?channel=rateChange", 400, "bad_request"), ("?channel=nothing:A", 404, "unknown_type"),
        ("?channel=balanceUpdate:u_42", 401, "not_authenticated"), ("?channel=balanceUpdate", 400, "bad_request"),
        ("?channel=rateChange:A&access_token=nonsense", 401, "bad_token"),
        ("?channel=rateChange:A&since=x", 400, "bad_request"), ("?channel=rateChange:A&since=-1", 400, "bad_request"),
        ("?channel=rateChange:A&interval=0", 400, "bad_request"),
        ("?channel=rateChange:A&snapshot=yes", 400, "bad_request"),
        ("?channel=rateChange:A&channel=rateChange:A", 400, "bad_request"),
        ("?channel=rateChange:A&access_token=a&access_token=b", 400, "bad_request"),
        ("?channel=chainEvent:0x1&interval=5", 400, "bad_request"),
        ("?channel=rateChange:A&since=1", 410, "cursor_expired"),
        ("?channel=rateChange:B&channel=rateChange:A&since=1", 410, "cursor_expired"),
        ("?channel=rateChange:A&since=0&epoch=other", 409, "epoch_changed"),
        ("?" + (1...51).map { "channel=rateChange:\($0)" }.joined(separator: "&"), 400, "bad_request"),
    ])
    func whatCannotBeFollowedIsRefused(_ query: String, _ status: Int, _ code: String) async throws {
        try await withServer { server in
            let wire = try await server.connect()
            try await wire.send(Request.get("/stream" + query).text)
            try await wire.answer().expectProblem(status, code)
            // The connection serves on.
            try await wire.send(Request.get("/health/live").text)
            #expect(try await wire.answer().status == 200)
            #expect(await server.sessionCount() == 0)
        }
    }

    @Test
    func othersChannelsTokensGivenTwiceAndForeignIDsAreRefused() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42")
            try await server.request(.get("/stream?channel=balanceUpdate:u_7", token: token))
                .expectProblem(403, "forbidden")
            try await server.request(.get("/stream?channel=balanceUpdate&access_token=\(token)", token: token))
                .expectProblem(400, "bad_request")
            for id in ["x", "2,AAAAAA.abc.1", "1,AAAAAA.abc", "1,AAAAAA.abc.1,AAAAAA.abc.1", "1,AAAAAA..1"] {
                let fields = [(name: "Last-Event-ID", value: id)]
                try await server.request(Request("GET", "/stream?channel=rateChange:A", fields: fields))
                    .expectProblem(400, "bad_request")
            }
        }
    }

    @Test
    func aTokenMayStandInTheQuery() async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42")
            let stream = try await server.stream("channel=transactionUpdate&access_token=\(token)")
            let subscribed = try await stream.expect("subscribed")
            #expect(subscribed["channel"]?.string == "transactionUpdate:u_42")
            try await server.publish(Self.transaction(1))
            #expect(try await stream.expect("event")["id"]?.string == "t-1")
        }
    }

    @Test
    func headAsksForNoStream() async throws {
        try await withServer { server in
            let answer = try await server.request(Request("HEAD", "/stream?channel=rateChange:A"))
            #expect(answer.status == 200)
            #expect(answer.fields["content-type"] == "text/event-stream")
            #expect(await server.sessionCount() == 0)
        }
    }

    enum Leaving: Sendable, CaseIterable {
        case finish, reset
    }

    @Test(arguments: Leaving.allCases)
    func whoeverLeavesIsForgotten(_ leaving: Leaving) async throws {
        try await withServer { server in
            let stream = try await server.stream("channel=rateChange:A")
            try await stream.expect("subscribed")
            #expect(await server.sessionCount() == 1)
            switch leaving {
            case .finish: try await stream.wire.finish()
            case .reset: await stream.wire.reset()
            }
            try await eventually("the session ends") { await server.sessionCount() == 0 }
        }
    }

    /// More than all buffers on the way hold.
    @Test
    func whoReadsSlowlyGetsEverythingInOrderAndIsNotBufferedFor() async throws {
        let padding = String(repeating: "x", count: 40_000)
        var setup = Setup()
        setup.hub.ringBytes = 0
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
            try await server.settle()
            var behind = 0
            for shard in server.hub.shards { behind += await shard.behindCount }
            #expect(behind == 1)
            try await stream.wire.setReading(true)
            for number in 1...300 {
                #expect(try await stream.expect("event")["seq"]?.integer(in: .seq) == number)
            }
        }
    }
}
