// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct HeartbeatTests {
    private static func rate(_ key: String) -> String {
        #"{"type":"rateChange","key":"\#(key)","data":{"rate":"1"}}"#
    }

    private static var setup: Setup {
        var setup = Setup()
        setup.hub.shard.heartbeat = .milliseconds(200)
        return setup
    }

    /// Takes the next heartbeat, and whatever else comes before it.
    private static func beat(_ socket: Socket) async throws -> JSON.Value {
        while true {
            let message = try await socket.next()
            if message["op"]?.string == "heartbeat" { return message }
        }
    }

    @Test
    func aHeartbeatTellsTheHeadsThatMoved() async throws {
        try await withServer(Self.setup) { server in
            try await server.publish(Self.rate("A"))
            let socket = try await Socket.open(on: try await server.connect())
            #expect(try await socket.expect("welcome")["heartbeat"]?.integer(in: .seq) == 200)
            for key in ["A", "B"] {
                try await socket.send(#"{"op":"subscribe","channel":"rateChange:\#(key)"}"#)
            }
            try await server.publish(Self.rate("C"))
            let quiet = try await Self.beat(socket)
            #expect(quiet.names == ["op", "time", "heads"])
            #expect(quiet["time"]?.string.flatMap { Timestamp(rfc3339: $0) } != nil)
            #expect(quiet["heads"]?.written == "{}")
            for _ in 1...3 { try await server.publish(Self.rate("B")) }
            // The beat may be due between two of the events.
            var heads = try await Self.beat(socket)["heads"]
            if heads?["rateChange:B"]?.integer(in: .seq) != 3 { heads = try await Self.beat(socket)["heads"] }
            #expect(heads?.written == #"{"rateChange:B":3}"#)
            #expect(try await Self.beat(socket)["heads"]?.written == "{}")
            #expect(socket.pings >= 3)
        }
    }

    @Test
    func heartbeatsComeAsOftenAsPromised() async throws {
        try await withServer(Self.setup) { server in
            let socket = try await server.open()
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await socket.expect("subscribed")
            var times: [Timestamp] = []
            for _ in 0...5 {
                times.append(
                    try #require(try await Self.beat(socket)["time"]?.string.flatMap { Timestamp(rfc3339: $0) })
                )
            }
            // Five intervals of 200 ms, with time to spare for a busy machine.
            #expect(times[5].duration(since: times[0]) < .seconds(4))
        }
    }

    @Test
    func aClientThatDoesNotAnswerIsLeft() async throws {
        var setup = Self.setup
        setup.hub.shard.silence = .seconds(2)
        try await withServer(setup) { server in
            let mute = try await server.open()
            let reader = try await server.open()
            for socket in [mute, reader] {
                try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
                try await socket.expect("subscribed")
            }
            // Taking a beat answers the ping that comes with it.
            while await server.sessionCount() > 1 { _ = try await Self.beat(reader) }
            #expect(await server.sessionCount() == 1)
            _ = try await Self.beat(reader)
        }
    }
}
