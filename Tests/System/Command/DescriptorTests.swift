// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// A hub that may open few files.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct DescriptorTests {
    private static let limit = 160
    private static let request = "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n"

    /// A connection and what has come on it.
    private struct Line: Sendable {
        let channel: any Channel
        let received: Watched<(text: String, hasEnded: Bool)>

        var status: Int? {
            self.received.value.text.firstMatch(of: #/^HTTP\/1\.1 (\d+)/#).flatMap { Int($0.1) }
        }

        /// Connects, asks, and keeps the connection.
        static func open(to port: Int, asking request: String) async throws -> Line {
            let received = Watched((text: "", hasEnded: false))
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Handler(received))
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
            let line = Line(channel: channel, received: received)
            try? await channel.writeAndFlush(ByteBuffer(string: request))
            try await received.wait(for: "an answer or an end") { $0.hasEnded || $0.text.contains("\r\n\r\n") }
            return line
        }

        init(channel: any Channel, received: Watched<(text: String, hasEnded: Bool)>) {
            self.channel = channel
            self.received = received
        }

        private final class Handler: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let received: Watched<(text: String, hasEnded: Bool)>

            init(_ received: Watched<(text: String, hasEnded: Bool)>) {
                self.received = received
            }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let text = String(buffer: self.unwrapInboundIn(data))
                self.received.change { $0.text += text }
            }

            func channelInactive(context: ChannelHandlerContext) {
                self.received.change { $0.hasEnded = true }
            }

            func errorCaught(context: ChannelHandlerContext, error: any Error) {
                context.close(promise: nil)
            }
        }
    }

    private func withHub(_ body: (RunningHub) async throws -> Void) async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder, descriptors: Self.limit)
            do {
                try await eventually("the admin port") { hub.adminURL != nil }
                try await body(hub)
            } catch {
                try await hub.program.kill()
                throw error
            }
            hub.program.terminate()
            let record = try await hub.program.end()
            #expect(record.status == 0, "\(record)")
        }
    }

    /// Takes connections until no more are served, and looks at how they are refused.
    private static func fill(_ hub: RunningHub) async throws -> [Line] {
        var lines: [Line] = []
        while lines.last?.status ?? 200 == 200, lines.count < 2 * Self.limit {
            lines.append(try await Line.open(to: hub.port, asking: Self.request))
        }
        let refusal = lines.removeLast()
        #expect(refusal.status == 503, "\(refusal.received.value)")
        #expect(refusal.received.value.text.contains("Retry-After: "), "\(refusal.received.value)")
        try await refusal.received.wait(for: "the end") { $0.hasEnded }
        return lines
    }

    /// Connected clients, the database and operators are served; new clients are asked to retry later.
    @Test func whoeverComesTooManyIsToldSo() async throws {
        try await self.withHub { hub in
            let token = try await hub.token("svc", "publish:*")
            let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            let subscriber = RecordingSubscriber(["rateChange:A"], token: nil)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await subscriber.run(to: try hub.address()) }
                try await subscriber.log.wait(for: "the connection") { $0.connections == 1 }
                let publish =
                    "POST /events HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(token)\r\n"
                    + "Content-Type: application/json\r\nContent-Length: \(event.utf8.count)\r\n\r\n\(event)"
                let publisher = try await Line.open(to: hub.port, asking: publish)
                #expect(publisher.status == 200)
                let lines = try await Self.fill(hub)
                #expect((20...Self.limit).contains(lines.count), "\(lines.count)")
                // Many silent connections at once.
                var crowd: [any Channel] = []
                for _ in 0..<100 {
                    crowd.append(
                        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                            .connect(host: "127.0.0.1", port: hub.port).get()
                    )
                }
                try await publisher.channel.writeAndFlush(ByteBuffer(string: publish))
                try await subscriber.wait(for: ["rateChange:A": 2])
                let refusals = try #require(try await hub.metric("broadtape_descriptor_refusals_total"))
                #expect(refusals > 50)
                #expect(try await hub.metric("broadtape_descriptor_limit") == Self.limit)
                for channel in crowd + lines.map(\.channel) { try? await channel.close() }
                try await eventually("there is room again") { try await hub.get("/health/live").status == 200 }
                tasks.cancelAll()
            }
            let log = hub.program.record.value.errors
            #expect(log.contains("few file descriptors"), "\(log)")
            // Logged periodically, not for each connection.
            let told = log.components(separatedBy: "too few file descriptors").count - 1
            #expect((1...4).contains(told), "\(log)")
        }
    }

    /// Changes the limit of a process that runs.
    private static func allow(_ descriptors: Int, to hub: RunningHub) async throws {
        let program = try Program(
            at: URL(fileURLWithPath: "/usr/bin/prlimit"),
            ["--pid", "\(hub.program.identifier)", "--nofile=\(descriptors):\(Self.limit)"],
            in: hub.folder
        )
        let record = try await program.end()
        #expect(record.status == 0, "\(record)")
    }

    /// Somebody else has taken what the hub had counted on: it has not one descriptor left.
    @Test func withoutAnyItStillTellsAndComesBack() async throws {
        try await self.withHub { hub in
            let first = try await Line.open(to: hub.port, asking: Self.request)
            #expect(first.status == 200)
            let taken = Set(
                try FileManager.default.contentsOfDirectory(atPath: "/proc/\(hub.program.identifier)/fd")
                    .compactMap { Int($0) }
            )
            // A limit that is the lowest free number; higher ones may be inherited.
            let lowestFree = (0...).first { !taken.contains($0) }
            try await Self.allow(try #require(lowestFree), to: hub)
            for _ in 0..<20 {
                let line = try await Line.open(to: hub.port, asking: "")
                #expect(line.status == 503 || line.status == nil, "\(line.received.value)")
            }
            // Who is there is served meanwhile.
            try await first.channel.writeAndFlush(ByteBuffer(string: Self.request))
            try await first.received.wait(for: "a second answer") {
                $0.text.components(separatedBy: "HTTP/1.1 200").count == 3
            }
            try await Self.allow(Self.limit, to: hub)
            try await eventually("there is room again") { try await hub.get("/health/live").status == 200 }
            #expect(hub.program.record.value.errors.contains("too few file descriptors"))
        }
    }
}
