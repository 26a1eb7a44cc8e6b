// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport
import WebSocket

/// A WebSocket server on loopback whose every word the test says.
final class Loopback: Sendable {
    /// How it answers the upgrade.
    enum Upgrade: Sendable {
        case accept
        /// An HTTP answer, byte for byte.
        case answer(String)
        /// Nothing at all.
        case silence
    }

    let port: Int
    private let isSecure: Bool
    private let listener: any Channel
    private let peers: AsyncStream<Peer>

    /// Runs a test against a server on a port of its own.
    static func withServer<Result>(
        upgrade: Upgrade = .accept,
        isSecure: Bool = false,
        _ body: (Loopback) async throws -> Result
    ) async throws -> Result {
        let server = try await Loopback(upgrade: upgrade, isSecure: isSecure)
        do {
            let result = try await body(server)
            try await server.listener.close()
            return result
        } catch {
            try? await server.listener.close()
            throw error
        }
    }

    private init(upgrade: Upgrade, isSecure: Bool) async throws {
        self.isSecure = isSecure
        let tls = isSecure ? try Self.makeTLS() : nil
        let (peers, accepted) = AsyncStream.makeStream(of: Peer.self)
        self.peers = peers
        self.listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_sndbuf), value: 8 << 10)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    let handler = PeerHandler(channel, upgrade: upgrade) { accepted.yield($0) }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        self.port = self.listener.localAddress?.port ?? 0
    }

    var address: HubAddress {
        get throws { try HubAddress("\(self.isSecure ? "wss" : "ws")://127.0.0.1:\(self.port)/ws") }
    }

    private static func makeTLS() throws -> NIOSSLContext {
        let certificate = try NIOSSLCertificate(bytes: Array(TestCertificate.one.certificate.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(TestCertificate.one.key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(certificate)],
                privateKey: .privateKey(key)
            )
        )
    }

    /// The next connection that completes its upgrade. To be called by one task.
    func accept() async throws -> Peer {
        for await peer in self.peers { return peer }
        throw CancellationError()
    }
}

/// The server's side of one connection.
final class Peer: Sendable {
    let request: WebSocket.Request
    private let handler: NIOLoopBound<PeerHandler>
    private let channel: any Channel
    private let messages: AsyncStream<JSON.Value>

    init(
        _ request: WebSocket.Request,
        handler: PeerHandler,
        channel: any Channel,
        messages: AsyncStream<JSON.Value>
    ) {
        self.request = request
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        self.channel = channel
        self.messages = messages
    }

    /// The client's next message; nil when the connection has ended.
    func next() async -> JSON.Value? {
        for await message in self.messages { return message }
        return nil
    }

    /// The client's next message with an op; others are dropped.
    func next(_ op: String) async -> JSON.Value? {
        while let message = await self.next() {
            if message["op"]?.string == op { return message }
        }
        return nil
    }

    /// The first channel of the client's next subscribe request.
    func nextSubscription() async -> JSON.Value? {
        var elements = await self.next("subscribe")?["channels"]?.elements
        return elements?.next()
    }

    /// Sends text messages in one write.
    func send(_ texts: String...) {
        let handler = self.handler
        self.channel.eventLoop.execute { handler.value.send(texts) }
    }

    /// Closes with a close frame.
    func close(_ code: UInt16, _ reason: String = "") {
        let handler = self.handler
        self.channel.eventLoop.execute { handler.value.close(code, reason) }
    }

    /// Ends the TCP connection without a close frame.
    func drop() {
        self.channel.close(promise: nil)
    }

    /// Sends a ping and waits for its pong.
    func ping() async throws {
        let handler = self.handler
        try await self.channel.eventLoop.flatSubmit { handler.value.pong(asked: true) }.get()
    }

    /// Waits for a pong that nobody asked for.
    func pong() async throws {
        let handler = self.handler
        try await self.channel.eventLoop.flatSubmit { handler.value.pong(asked: false) }.get()
    }

    /// Whether everything that was sent has been taken by the kernel.
    func hasUnsentBytes() async throws -> Bool {
        try await !self.channel.eventLoop.submit { [channel = self.channel] in channel.isWritable }.get()
    }
}

/// Speaks WebSocket for a ``Peer``.
final class PeerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let channel: any Channel
    private let upgrade: Loopback.Upgrade
    private let accepted: (Peer) -> Void
    private var handshake = WebSocket.ServerHandshake()
    private var endpoint: WebSocket.Endpoint?
    private var messages: AsyncStream<JSON.Value>.Continuation?
    private var pings: [EventLoopPromise<Void>] = []

    init(_ channel: any Channel, upgrade: Loopback.Upgrade, accepted: @escaping (Peer) -> Void) {
        self.channel = channel
        self.upgrade = upgrade
        self.accepted = accepted
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data)
        guard self.endpoint == nil else {
            self.endpoint?.receive(bytes)
            return self.drain()
        }
        guard case .accepted(let request, let rest) = self.handshake.receive(bytes) else { return }
        switch self.upgrade {
        case .silence:
            break
        case .answer(let text):
            self.channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        case .accept:
            let (messages, continuation) = AsyncStream.makeStream(of: JSON.Value.self)
            self.messages = continuation
            let subprotocol = request.preferredSubprotocol(among: [Connector.subprotocol])
            self.channel.writeAndFlush(request.accept(subprotocol: subprotocol), promise: nil)
            self.endpoint = WebSocket.Endpoint(role: .server)
            self.endpoint?.receive(rest)
            self.accepted(Peer(request, handler: self, channel: self.channel, messages: messages))
            self.drain()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.messages?.finish()
        for ping in self.pings { ping.fail(ChannelError.ioOnClosedChannel) }
        self.pings = []
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func drain() {
        while let event = self.endpoint?.next() {
            switch event {
            case .text(let text):
                if let value = try? JSON.Value.parse(Array(text.readableBytesView)) { self.messages?.yield(value) }
            case .pong:
                if !self.pings.isEmpty { self.pings.removeFirst().succeed() }
            case .closed(_, let reply), .failed(_, let reply):
                if let reply { self.channel.writeAndFlush(reply, promise: nil) }
                self.channel.close(promise: nil)
            case .binary, .ping:
                break
            }
        }
    }

    func send(_ texts: [String]) {
        var output = ByteBuffer()
        for text in texts { self.endpoint?.write(text: ByteBuffer(string: text), into: &output) }
        self.channel.writeAndFlush(output, promise: nil)
    }

    func close(_ code: UInt16, _ reason: String) {
        guard let frame = self.endpoint?.close(WebSocket.CloseCode(rawValue: code), reason: reason) else { return }
        self.channel.writeAndFlush(frame, promise: nil)
    }

    func pong(asked: Bool) -> EventLoopFuture<Void> {
        let promise = self.channel.eventLoop.makePromise(of: Void.self)
        guard self.channel.isActive else {
            promise.fail(ChannelError.ioOnClosedChannel)
            return promise.futureResult
        }
        self.pings.append(promise)
        if asked, let frame = self.endpoint?.ping() { self.channel.writeAndFlush(frame, promise: nil) }
        return promise.futureResult
    }
}
