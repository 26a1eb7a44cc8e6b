// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct SocketPublishTests {
    private static func rate(_ id: Int, _ rate: String = "1") -> String {
        #"{"type":"rateChange","key":"A","id":"r-\#(id)","data":{"rate":"\#(rate)"}}"#
    }

    @Test
    func eventsArePublishedAndAnsweredAsOverHTTP() async throws {
        try await withServer { server in
            let reader = try await server.open()
            try await reader.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await reader.expect("subscribed")
            let socket = try await server.open(token: try await server.tokens.publisher("rates"))
            for status in ["accepted", "duplicate"] {
                try await socket.send(#"{"op":"publish","id":7,"events":[\#(Self.rate(1)),\#(Self.rate(2))]}"#)
                let published = try await socket.expect("published")
                #expect(published.names == ["op", "id", "results"])
                #expect(published["id"]?.integer(in: .seq) == 7)
                let results = try #require(published["results"]?.elements.map { $0 })
                #expect(results.map { $0["status"]?.string } == [status, status])
                #expect(results.map { $0["positions"]?.elements.map { $0["seq"]?.integer(in: .seq) } } == [[1], [2]])
            }
            #expect(try await reader.expect("event")["id"]?.string == "r-1")
            #expect(try await reader.expect("event")["id"]?.string == "r-2")
            let token = try await server.tokens.publisher("rates")
            let answer = try await server.request(.post(Self.rate(1), token: token))
            #expect(answer.text.contains("duplicate"))
        }
    }

    @Test(
        arguments: [
            ("[]", "bad_request", []), ("[5]", "invalid_event", [0]),
            (#"[{"type":"nothing","data":{}}]"#, "unknown_type", [0]),
            (
                #"[{"type":"rateChange","key":"A","data":{"rate":"1"}},{"type":"rateChange","key":"A","data":{"rate":2}}]"#,
                "invalid_event", [1]
            ),
            (#"[{"type":"rateChange","key":"A","id":"taken","data":{"rate":"2"}}]"#, "conflict", [0]),
        ] as [(String, String, [Int])]
    )
    func badEventsAreRefusedAndNothingIsStored(_ events: String, _ code: String, _ items: [Int]) async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.publisher("svc"))
            try await server.publish(#"{"type":"rateChange","key":"A","id":"taken","data":{"rate":"1"}}"#)
            try await socket.send(#"{"op":"publish","id":7,"events":\#(events)}"#)
            let error = try await socket.expectError(code)
            #expect(error["id"]?.integer(in: .seq) == 7)
            #expect(error["items"]?.elements.compactMap { $0["index"]?.integer(in: .seq) } ?? [] == items)
            #expect(try await server.heads() == ["rateChange:A": 1])
        }
    }

    @Test
    func publishingNeedsAScope() async throws {
        try await withServer { server in
            let anonymous = try await server.open()
            try await anonymous.send(#"{"op":"publish","events":[\#(Self.rate(1))]}"#)
            try await anonymous.expectError("not_authenticated")
            let user = try await server.open(token: try await server.tokens.user("u_42", "publish:balanceUpdate"))
            try await user.send(#"{"op":"publish","events":[\#(Self.rate(1))]}"#)
            try await user.expectError("forbidden")
            #expect(try await server.heads().isEmpty)
        }
    }

    @Test
    func aFailingTapeIsToldAndTheNextRequestWorks() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.publisher())
            server.tape.fail(.append, .before(.unavailable("/secret/place")))
            try await socket.send(#"{"op":"publish","id":1,"events":[\#(Self.rate(1))]}"#)
            let error = try await socket.expectError("unavailable")
            #expect(error["action"]?.string == "retry")
            #expect(!error.written.contains("secret"))
            #expect(try await socket.expect("heartbeat")["paused"]?.bool == true)
            try await socket.send(#"{"op":"publish","id":2,"events":[\#(Self.rate(1))]}"#)
            #expect(try await socket.expect("published")["id"]?.integer(in: .seq) == 2)
            #expect(try await socket.expect("heartbeat")["paused"] == nil)
        }
    }

    /// More requests than may be under way: the rest waits, none is lost and the order stays.
    @Test
    func manyRequestsAtOnceAreAllAnsweredInOrder() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.publisher())
            server.tape.appends.close()
            for id in 1...300 {
                try await socket.send(#"{"op":"publish","id":\#(id),"events":[\#(Self.rate(id))]}"#)
            }
            try await server.tape.appends.waitForArrivals(1)
            server.tape.appends.open()
            for id in 1...300 {
                let published = try await socket.expect("published")
                #expect(published["id"]?.integer(in: .seq) == id)
                let positions = published["results"]?.elements.map { $0 }.first?["positions"]
                #expect(positions?.elements.map { $0["seq"]?.integer(in: .seq) } == [id])
            }
        }
    }
}
