// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Publishing over the socket.
@Suite(.timeLimit(.minutes(1))) struct PublishingTests {
    private static func publish(_ id: Int, _ events: String...) -> String {
        #"{"op":"publish","id":\#(id),"events":[\#(events.joined(separator: ","))]}"#
    }

    private static func note(_ id: String, _ data: String = "{}") -> String {
        #"{"type":"note","key":"k","id":"\#(id)","data":\#(data)}"#
    }

    @Test(arguments: [0, 1])
    func positionsAreAnsweredAfterTheCommit(loop: Int) async throws {
        try await withHub(loops: 2) { hub in
            let client = try await hub.connect(on: loop, token: "svc publish:*")
            hub.tape.appends.close()
            try await client.send(Self.publish(1, Self.note("a"), Self.note("b")))
            try await hub.tape.appends.waitForArrivals(1)
            try await hub.settle()
            #expect(client.messages("published").isEmpty)
            hub.tape.appends.open()
            let answer = try await client.answer(1, op: "published")
            let results = try #require(answer["results"])
            #expect(results.elements.map { $0["id"]?.string } == ["a", "b"])
            #expect(results.elements.map { $0["status"]?.string } == ["accepted", "accepted"])
            let positions = results.elements.compactMap { $0["positions"]?.elements.map(\.self).first }
            #expect(positions.map { $0["channel"]?.string } == ["note:k", "note:k"])
            #expect(positions.map { $0["seq"]?.integer(in: .seq) } == [1, 2])
        }
    }

    @Test func sameEventAgainIsADuplicateAtItsFirstPlace() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "svc publish:*")
            try await client.send(
                Self.publish(1, Self.note("a")),
                Self.publish(2, Self.note("b")),
                Self.publish(3, #"{"type":"note","keys":["k"],"id":"a","data":{ }}"#)
            )
            let answer = try await client.answer(3, op: "published")
            let results = try #require(answer["results"]).elements.map(\.self)
            #expect(results.map { $0["id"]?.string } == ["a"])
            #expect(results.map { $0["status"]?.string } == ["duplicate"])
            #expect(results.first?["positions"]?.elements.map { $0["seq"]?.integer(in: .seq) } == [1])
        }
    }

    @Test func otherContentUnderTheSameIDIsAConflict() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "svc publish:*")
            try await client.send(
                Self.publish(1, Self.note("a")),
                Self.publish(2, Self.note("b"), Self.note("a", #"{"x":1}"#))
            )
            let answer = try await client.answer(2, op: "error")
            #expect(answer["code"]?.string == "conflict")
            #expect(answer["items"]?.elements.map { $0["index"]?.integer(in: .seq) } == [1])
            #expect(try await hub.publish("note:k") == 2)
        }
    }

    @Test func sameIDOfAnotherSourceIsAnotherEvent() async throws {
        try await withHub { hub in
            let one = try await hub.connect(token: "svc1 publish:*")
            let other = try await hub.connect(token: "svc2 publish:*")
            try await one.send(Self.publish(1, Self.note("a")))
            try await one.answer(1, op: "published")
            try await other.send(Self.publish(1, Self.note("a", #"{"x":1}"#)))
            try await other.answer(1, op: "published")
        }
    }

    @Test(
        arguments: [
            (nil, #"{"type":"note","key":"k","data":{}}"#, "not_authenticated"),
            ("u_1", #"{"type":"note","key":"k","data":{}}"#, "forbidden"),
            ("s publish:note", #"{"type":"price","key":"k","data":{}}"#, "forbidden"),
            ("s publish:*", #"{"type":"nope","key":"k","data":{}}"#, "unknown_type"),
            ("s publish:*", #"{"type":"rateChange","key":"k","data":{"rate":1.5}}"#, "invalid_event"),
            (
                "s publish:*", #"{"type":"note","key":"k","data":{"x":"\#(String(repeating: "x", count: 70_000))"}}"#,
                "too_large"
            ),
            ("s publish:*", "7", "invalid_event"), ("s publish:*", "", "bad_request"),
        ] as [(String?, String, String)]
    )
    func refusedRequestStoresNothing(token: String?, event: String, code: String) async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: token)
            let good = event.isEmpty ? "" : #"{"type":"note","key":"k","data":{}},"#
            try await client.send(#"{"op":"publish","id":1,"events":[\#(good)\#(event)]}"#)
            #expect(try await client.answer(1, op: "error")["code"]?.string == code)
            #expect(hub.tape.log.batches.isEmpty)
        }
    }

    @Test func manyEventsInOneRequestAreBounded() async throws {
        var configuration = HubConfiguration.forTests
        configuration.intake.events = 2
        try await withHub(configuration) { hub in
            let client = try await hub.connect(token: "s publish:*")
            try await client.send(Self.publish(1, Self.note("a"), Self.note("b"), Self.note("c")))
            #expect(try await client.answer(1, op: "error")["code"]?.string == "too_large")
        }
    }

    // MARK: - Order

    @Test(arguments: [0, 1])
    func requestsAreAppendedAndAnsweredInTheOrderTheyCame(loop: Int) async throws {
        try await withHub(loops: 2) { hub in
            let client = try await hub.connect(on: loop, token: "svc publish:*")
            try await client.subscribe("note:k")
            let requests = (1...300).map { Self.publish($0, Self.note("e\($0)")) }
            for start in stride(from: 0, to: 300, by: 37) {
                try await client.send(Array(requests[start..<min(300, start + 37)]))
            }
            try await client.answer(300, op: "published")
            #expect(client.messages("published").map { $0["id"]?.integer(in: .seq) } == Array(1...300))
            try await client.events(on: "note:k", through: 300)
            #expect(client.messages("event").map { $0["id"]?.string } == (1...300).map { "e\($0)" })
        }
    }

    @Test(arguments: [0, 1])
    func eventsReachTheirPublisherBeforeTheAnswer(loop: Int) async throws {
        try await withHub(loops: 2) { hub in
            let client = try await hub.connect(on: loop, token: "svc publish:*")
            try await client.subscribe("note:k")
            for id in 1...20 {
                try await client.send(Self.publish(id, Self.note("e\(id)")))
                try await client.answer(id, op: "published")
                #expect(client.transport.record.events(on: "note:k") == Array(1...id))
            }
        }
    }

    @Test func answersAfterTheFirstFailureGoOn() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "svc publish:*")
            hub.tape.fail(.append, .before(.unavailable("disk full at /var")))
            try await client.send(Self.publish(1, Self.note("a")))
            let answer = try await client.answer(1, op: "error")
            #expect(answer["code"]?.string == "unavailable")
            #expect(answer["action"]?.string == "retry")
            #expect(answer["message"]?.string?.contains("/var") == false)
            try await client.send(Self.publish(2, Self.note("a")))
            try await client.answer(2, op: "published")
        }
    }

    @Test func overloadIsAnswered() async throws {
        var configuration = HubConfiguration.forTests
        configuration.writer.waitingBytes = 1_000
        try await withHub(configuration) { hub in
            hub.tape.appends.close()
            let client = try await hub.connect(token: "svc publish:*")
            try await client.send(Self.publish(1, Self.note("a")))
            try await hub.tape.appends.waitForArrivals(1)
            try await client.send((2...9).map { Self.publish($0, Self.note("e\($0)")) })
            let answer = try await client.answer(9, op: "error")
            #expect(answer["code"]?.string == "overloaded")
            #expect(answer["action"]?.string == "retry")
            hub.tape.appends.open()
            for id in 1...4 { try await client.answer(id, op: "published") }
            #expect(client.messages("error").map { $0["id"]?.integer(in: .seq) } == [5, 6, 7, 8, 9])
        }
    }

    @Test func leavingNodeTakesNoMore() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "svc publish:*")
            await hub.hub.writer.finish()
            try await client.send(Self.publish(1, Self.note("a")))
            let answer = try await client.answer(1, op: "error")
            #expect(answer["code"]?.string == "unavailable")
            #expect(answer["message"]?.string?.contains("shutting down") == true)
        }
    }

    // MARK: - Bounds

    @Test func publishingStopsAndResumesReading() async throws {
        try await withHub { hub in
            hub.tape.appends.close()
            let client = try await hub.connect(token: "svc publish:*")
            try await client.send((1...64).map { Self.publish($0, Self.note("e\($0)")) })
            #expect(await client.session.takesMessages == false)
            let before = client.transport.record.resumptions
            hub.tape.appends.open()
            try await client.answer(64, op: "published")
            try await hub.settle()
            #expect(await client.session.takesMessages)
            #expect(client.transport.record.resumptions > before)
        }
    }

    @Test func messagesBeyondTheLimitWaitInOrder() async throws {
        try await withHub { hub in
            hub.tape.appends.close()
            let client = try await hub.connect(token: "svc publish:*")
            try await client.send((1...70).map { Self.publish($0, Self.note("e\($0)")) } + [#"{"op":"ping","id":99}"#])
            try await hub.tape.appends.waitForArrivals(1)
            try await hub.settle()
            #expect(client.messages("pong").isEmpty)
            hub.tape.appends.open()
            try await client.answer(70, op: "published")
            try await client.answer(99, op: "pong")
            #expect(client.messages("published").map { $0["id"]?.integer(in: .seq) } == Array(1...70))
        }
    }

    /// Each fails as it is handed in, while the one before it is still being handled.
    @Test func longBacklogOfFailingRequestsIsWorkedOff() async throws {
        try await withHub { hub in
            let count = 20_000
            hub.tokens.close()
            let client = try await hub.connect()
            try await client.send(
                [#"{"op":"auth","token":"svc publish:*"}"#] + (1...count).map { Self.publish($0, Self.note("e")) }
            )
            try await hub.tokens.waitForArrivals(1)
            await hub.hub.writer.finish()
            hub.tokens.open()
            try await client.answer(count, op: "error")
            #expect(client.messages("error").count == count)
        }
    }

    @Test func sessionThatEndsBeforeItsCommitIsForgotten() async throws {
        try await withHub { hub in
            hub.tape.appends.close()
            let client = try await hub.connect(token: "svc publish:*")
            try await client.send(Self.publish(1, Self.note("a")))
            try await hub.tape.appends.waitForArrivals(1)
            await client.end()
            hub.tape.appends.open()
            #expect(try await hub.publish("note:k") == 2)
            #expect(client.messages("published").isEmpty)
        }
    }
}
