// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import TestSupport

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A TCP connection as it is: bytes out, bytes in.
final class Wire: Sendable {
    /// What has come and was not taken yet.
    struct Received: Sendable, CustomStringConvertible {
        var bytes: [UInt8] = []
        /// Nothing more will come.
        var hasEnded = false

        var description: String {
            "\(self.bytes.count) bytes, \(hasEnded ? "ended" : "open"): "
                + String(decoding: self.bytes.prefix(1000), as: UTF8.self)
        }
    }

    let received: Watched<Received>
    private let channel: any Channel

    private init(_ channel: any Channel, _ received: Watched<Received>) {
        self.channel = channel
        self.received = received
    }

    /// - Parameters:
    ///   - receiveBuffer: Of the kernel, in bytes; small ones make the other side feel soon that nobody reads.
    ///   - tls: Speaks TLS; nil speaks without.
    static func connect(to port: Int, receiveBuffer: Int? = nil, tls: TLSConfiguration? = nil) async throws -> Wire {
        let received = Watched(Received())
        let secure = try tls.map { try NIOSSLContext(configuration: $0) }
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: tls == nil)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let secure {
                        let handler = try NIOSSLClientHandler(context: secure, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(Receiver(received))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: receiveBuffer)
        }
        return Wire(try await bootstrap.connect(host: "127.0.0.1", port: port).get(), received)
    }

    func send(_ text: String) async throws {
        try await self.send(ByteBuffer(string: text))
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await self.channel.writeAndFlush(bytes)
    }

    /// Sends a text slowly, a byte every 10 ms, for as long as the other side listens.
    func drip(_ text: String) async throws {
        let rest = Watched(Array(text.utf8)[...])
        let (channel, received) = (self.channel, self.received)
        channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { task in
            if !received.value.hasEnded, let byte = rest.change({ $0.popFirst() }) {
                channel.writeAndFlush(ByteBuffer(bytes: [byte]), promise: nil)
            } else {
                rest.change { $0 = [] }
                task.cancel()
            }
        }
        try await rest.wait(for: "the last byte") { $0.isEmpty }
    }

    /// Takes what has come, once something has; nil at the end.
    func take() async throws -> ByteBuffer? {
        try await self.received.wait(for: "bytes") { !$0.bytes.isEmpty || $0.hasEnded }
        let bytes = self.received.change { received in
            defer { received.bytes = [] }
            return received.bytes
        }
        return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
    }

    /// Takes the next HTTP answer.
    func answer(hasBody: Bool = true) async throws -> Answer {
        try await self.received.wait(for: "an answer") { received in
            received.hasEnded || Answer.parse(received.bytes, hasBody: hasBody, hasEnded: false) != nil
        }
        let parsed = self.received.change { received in
            let parsed = Answer.parse(received.bytes, hasBody: hasBody, hasEnded: received.hasEnded)
            if let parsed { received.bytes.removeFirst(parsed.length) }
            return parsed
        }
        guard let parsed else { throw TimedOut(what: "an answer", state: "\(self.received.value)") }
        return parsed.answer
    }

    /// Returns once the server has nothing more to say.
    func waitForEnd() async throws {
        try await self.received.wait(for: "the end of the connection") { $0.hasEnded }
    }

    /// Closes the sending side and continues to read.
    func finish() async throws {
        try await self.channel.close(mode: .output)
    }

    /// Leaves what comes in the kernel, or takes it again.
    func setReading(_ reads: Bool) async throws {
        try await self.channel.setOption(.autoRead, value: reads).get()
    }

    /// Ends the connection with a reset, as a client does that was switched off.
    func reset() async {
        try? await (self.channel as? any SocketOptionProvider)?
            .setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try? await self.channel.close()
    }

    func close() async {
        try? await self.channel.close()
    }
}

private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: Watched<Wire.Received>

    init(_ received: Watched<Wire.Received>) {
        self.received = received
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        self.received.change { $0.bytes += bytes.readableBytesView }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { self.end() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func end() {
        self.received.change { $0.hasEnded = true }
    }
}
