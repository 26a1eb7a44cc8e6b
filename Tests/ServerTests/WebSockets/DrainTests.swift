// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct DrainTests {
    enum Kind: Sendable, CaseIterable {
        case anonymous
        case user
        /// On a connection that served a request before.
        case late
    }

    @Test(arguments: Kind.allCases)
    func aStoppingNodeSaysGoodbye(_ kind: Kind) async throws {
        var setup = Setup()
        setup.hub.drainWindow = .seconds(20)
        try await withServer(setup) { server in
            let socket: Socket
            switch kind {
            case .anonymous: socket = try await server.open()
            case .user: socket = try await server.open(token: try await server.tokens.user("u_42"))
            case .late:
                let wire = try await server.connect()
                try await wire.send(Request.get("/health/live").text)
                #expect(try await wire.answer().status == 200)
                socket = try await Socket.open(on: wire)
                try await socket.expect("welcome")
            }
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await socket.expect("subscribed")
            await server.stop()
            let goodbye = try await socket.expect("goodbye")
            #expect(goodbye.names == ["op", "reason", "reconnectAfter"])
            #expect(goodbye["reason"]?.string == "draining")
            #expect((0...20_000).contains(goodbye["reconnectAfter"]?.integer(in: .seq) ?? -1))
            let closing = try await socket.expectClose(4001)
            #expect(closing?.reason.contains("draining") == true)
        }
    }

    /// What was accepted is committed, answered and delivered before the goodbye.
    @Test
    func whatWasHandedInIsSettledFirst() async throws {
        try await withServer { server in
            let reader = try await server.open()
            try await reader.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await reader.expect("subscribed")
            let publisher = try await server.open(token: try await server.tokens.publisher())
            server.tape.appends.close()
            try await publisher.send(
                #"{"op":"publish","id":1,"events":[{"type":"rateChange","key":"A","data":{"rate":"1"}}]}"#
            )
            try await server.tape.appends.waitForArrivals(1)
            await server.stop()
            server.tape.appends.open()
            try await publisher.expect("published")
            try await publisher.expect("goodbye")
            try await publisher.expectClose(4001)
            #expect(try await reader.expect("event")["seq"]?.integer(in: .seq) == 1)
            try await reader.expect("goodbye")
            try await reader.expectClose(4001)
        }
    }

    @Test
    func everyoneIsToldADifferentTime() async throws {
        var setup = Setup()
        setup.hub.drainWindow = .seconds(1000)
        setup.loops = 2
        try await withServer(setup) { server in
            var sockets: [Socket] = []
            for _ in 1...10 { sockets.append(try await server.open()) }
            await server.stop()
            var times: Set<Int> = []
            for socket in sockets {
                times.insert(try #require(try await socket.expect("goodbye")["reconnectAfter"]?.integer(in: .seq)))
                try await socket.expectClose(4001)
            }
            #expect(times.count > 3)
        }
    }

    /// A client that neither reads nor answers must not hold up the stop: the test would run into its time limit.
    @Test
    func clientsThatDoNotAnswerDoNotHoldUpTheStop() async throws {
        try await withServer { server in
            let stuck = try await server.open(token: try await server.tokens.user("u_42"), receiveBuffer: 4096)
            try await stuck.send(#"{"op":"subscribe","channel":"transactionUpdate"}"#)
            try await stuck.expect("subscribed")
            try await stuck.wire.setReading(false)
            _ = try await server.connect()
            let half = try await server.connect()
            try await half.send("GET /health/live HTTP/1.1\r\nHost:")
            let begun = try await server.connect()
            try await begun.send("POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n[")
            let padding = String(repeating: "x", count: 60_000)
            for _ in 1...200 {
                try await server.publish(
                    #"{"type":"transactionUpdate","key":"u_42","#
                        + #""data":{"type":"p2p","amount":"1","status":"new","pad":"\#(padding)"}}"#
                )
            }
            let start = ContinuousClock.now
            await server.stop()
            try await eventually("the tape is closed", within: .seconds(10)) { server.tape.log.isClosed }
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(await server.sessionCount() <= 1)
        }
    }

    /// A disconnected client must not reconnect to the same node.
    @Test
    func aDrainingNodeTakesNoNewSockets() async throws {
        try await withServer { server in
            var sockets: [Socket] = []
            for _ in 1...120 { sockets.append(try await server.open()) }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await server.hub.drain(over: .seconds(600)) }
                try await eventually("it drains") { server.hub.isDraining }
                let refused = try await server.request(.upgrade())
                try refused.expectProblem(503, "draining")
                let wait = try #require(refused.fields["retry-after"].flatMap { Int($0) })
                #expect((500...601).contains(wait))
                #expect(try await server.request(.get("/health/ready")).status == 503)
                #expect(try await server.request(.get("/health/live")).status == 200)
                server.hub.finishDrainNow()
                try await tasks.waitForAll()
            }
            for socket in sockets { await socket.wire.close() }
        }
    }
}
