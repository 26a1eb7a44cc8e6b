// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import NIOPosix
import TestSupport
import Testing
import WebSocket

/// A subscriber of one channel that leaves incoming data in the kernel until it is asked to read.
final class SlowSubscriber: Sendable {
    struct Log: Sendable, CustomStringConvertible {
        struct Jump: Sendable, Equatable {
            var seq: Int
            var skipped: Int
        }

        var isSubscribed = false
        var hasEnded = false
        /// Number of the last event.
        var last = 0
        var events = 0
        /// Of everything that came.
        var bytes = 0
        /// Events that replace skipped ones, in order.
        var jumps: [Jump] = []
        /// Whatever must not happen.
        var faults: [String] = []

        var description: String {
            "\(events) events up to \(last), \(bytes) bytes, ended: \(hasEnded), jumps \(jumps), faults \(faults)"
        }

        fileprivate mutating func take(_ message: JSON.Value) {
            switch message["op"]?.string {
            case "event":
                let seq = message["seq"]?.integer(in: .seq) ?? 0
                let skipped = message["skipped"]?.integer(in: .seq) ?? 0
                if seq != self.last + 1 + skipped {
                    self.faults.append("\(seq) (\(skipped) skipped) after \(self.last)")
                }
                if message["id"]?.string != "e-\(seq)" { self.faults.append("another event is \(seq)") }
                if skipped > 0 { self.jumps.append(Jump(seq: seq, skipped: skipped)) }
                self.last = seq
                self.events += 1
            case "subscribed":
                self.isSubscribed = true
            case "error", "goodbye":
                self.faults.append(String(decoding: message.text, as: UTF8.self))
            default:
                break
            }
        }
    }

    /// Of the kernel, in bytes: so that the hub soon feels that nobody reads.
    static let receiveBuffer = 16_384

    let log: Watched<Log>
    private let channel: any Channel

    private init(_ channel: any Channel, _ log: Watched<Log>) {
        self.channel = channel
        self.log = log
    }

    /// Subscribes, and reads nothing from then on.
    static func stalled(on name: String, port: Int, token: String) async throws -> SlowSubscriber {
        let log = Watched(Log())
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(self.receiveBuffer))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(name, token: token, log: log))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let subscriber = SlowSubscriber(channel, log)
        do {
            try await log.wait(for: "the subscription") { $0.isSubscribed || !$0.faults.isEmpty || $0.hasEnded }
            try #require(log.value.isSubscribed, "\(log.value)")
            try await channel.setOption(.autoRead, value: false).get()
        } catch {
            await subscriber.close()
            throw error
        }
        return subscriber
    }

    /// Reads from now on.
    func wake() async throws {
        try await self.channel.setOption(.autoRead, value: true).get()
    }

    /// Returns once it has an event, or will not get it.
    func wait(for seq: Int, within limit: Duration) async throws {
        try await self.log.wait(for: "event \(seq)", within: limit) { log in
            log.last >= seq || log.hasEnded || !log.faults.isEmpty
        }
    }

    func close() async {
        try? await self.channel.close()
    }
}

/// Shakes hands, subscribes and keeps account.
private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let name: String
    private let log: Watched<SlowSubscriber.Log>
    private var handshake: ClientHandshake?
    private var endpoint = WebSocket.Endpoint(
        role: .client(masks: MaskGenerator(seed: 1)),
        limits: .init(frameBytes: 1 << 24, messageBytes: 1 << 24)
    )

    init(_ name: String, token: String, log: Watched<SlowSubscriber.Log>) {
        self.name = name
        self.log = log
        self.handshake = ClientHandshake(
            .init(
                host: "127.0.0.1",
                target: "/ws",
                nonce: Nonce(.random(in: .min ... .max), .random(in: .min ... .max)),
                subprotocols: ["broadtape.v1.json"],
                extensions: [],
                fields: [("Authorization", "Bearer \(token)")]
            )
        )
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let request = self.handshake?.request else { return }
        context.writeAndFlush(self.wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        self.log.change { $0.bytes += bytes.readableBytes }
        guard let result = self.handshake?.receive(bytes) else {
            self.endpoint.receive(bytes)
            return self.takeMessages(context)
        }
        switch result {
        case .needMore:
            break
        case .failed(let failure):
            self.log.change { $0.faults.append("\(failure)") }
        case .accepted(_, let rest):
            self.handshake = nil
            let request = #"{"op":"subscribe","channel":"\#(self.name)","snapshot":false}"#
            self.send(self.endpoint.send(text: ByteBuffer(string: request)), context)
            self.endpoint.receive(rest)
            self.takeMessages(context)
        }
    }

    private func takeMessages(_ context: ChannelHandlerContext) {
        var messages: [JSON.Value] = []
        var faults: [String] = []
        while let event = self.endpoint.next() {
            switch event {
            case .text(let text):
                do throws(JSON.Fault) {
                    messages.append(try JSON.Value.parse(Array(text.readableBytesView)))
                } catch {
                    faults.append("\(error)")
                }
            case .ping(_, let pong): self.send(pong, context)
            case .pong: break
            case .binary: faults.append("a binary message")
            case .closed(let close, let reply):
                faults.append("closed with \(close.code)")
                self.send(reply, context)
            case .failed(let violation, _): faults.append("\(violation)")
            }
        }
        self.log.change { log in
            for message in messages { log.take(message) }
            log.faults += faults
        }
    }

    private func send(_ frame: ByteBuffer?, _ context: ChannelHandlerContext) {
        guard let frame else { return }
        context.writeAndFlush(self.wrapOutboundOut(frame), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.log.change { $0.hasEnded = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.log.change { $0.faults.append("\(error)") }
        context.close(promise: nil)
    }
}
