// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// A limit on slow consumers, over real sockets.
@Suite(.system, .serialized, .timeLimit(.minutes(1)))
struct SlowConsumerSystemTests {
    private static let limit = Duration.milliseconds(500)
    /// More than all buffers on the way hold.
    private static let events = 300
    private static let padding = String(repeating: "x", count: 40_000)

    private static var setup: Setup {
        var setup = Setup()
        setup.hub.shard.slowConsumer = self.limit
        return setup
    }

    private static func publish(_ server: TestServer) async throws {
        for number in 1...Self.events {
            try await server.publish(
                #"{"type":"chainEvent","key":"c","id":"c-\#(number)","data":{"chain":"x","event":"T","blockNumber":1,"#
                    + #""blockHash":"0x1","transactionHash":"0x2","logIndex":0,"level":"seen","pad":"\#(Self.padding)"}}"#
            )
        }
    }

    private static func stalled(_ server: TestServer) async throws -> Socket {
        let socket = try await server.open(receiveBuffer: 16_384)
        try await socket.send(#"{"op":"subscribe","channel":"chainEvent:c"}"#)
        try await socket.expect("subscribed")
        try await socket.wire.setReading(false)
        return socket
    }

    @Test
    func whoReadsAgainInTimeIsToldWhy() async throws {
        try await withServer(Self.setup) { server in
            let slow = try await Self.stalled(server)
            try await Self.publish(server)
            try await eventually("the session ends") { await server.sessionCount() == 0 }
            #expect(await server.hub.shards[0].closedSlowConsumers == 1)
            try await slow.wire.setReading(true)
            var bytes: [UInt8] = []
            while let more = try await slow.wire.take() { bytes += more.readableBytesView }
            let reason = CloseReason.slowConsumer(limit: Self.limit)
            // A close frame: its length, 4008, the reason; and nothing after it.
            let frame = [0x88, UInt8(reason.text.utf8.count + 2), 0x0F, 0xA8] + Array(reason.text.utf8)
            #expect(bytes.suffix(frame.count) == frame[...])
        }
    }

    /// The close frame cannot get through, and the connection ends all the same.
    @Test
    func whoNeverReadsIsDisconnectedToo() async throws {
        try await withServer(Self.setup) { server in
            let slow = try await Self.stalled(server)
            try await Self.publish(server)
            try await eventually("the session ends") { await server.sessionCount() == 0 }
            try await eventually("the connection is gone") {
                do {
                    try await slow.ping("still there?")
                    return false
                } catch {
                    return true
                }
            }
        }
    }

    @Test
    func whoReadsALongReplayIsNot() async throws {
        var setup = Self.setup
        // A busy machine may keep the client from reading for a while.
        setup.hub.shard.slowConsumer = .seconds(2)
        try await withServer(setup) { server in
            try await Self.publish(server)
            let reader = try await server.open(receiveBuffer: 16_384)
            try await reader.send(#"{"op":"subscribe","channel":"chainEvent:c","since":0}"#)
            try await reader.expect("subscribed")
            for number in 1...Self.events {
                #expect(try await reader.expect("event")["seq"]?.integer(in: .seq) == number)
            }
            try await reader.expect("caughtUp")
            #expect(await server.hub.shards[0].closedSlowConsumers == 0)
        }
    }
}
