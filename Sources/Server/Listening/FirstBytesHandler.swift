// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOSSL
import WebSocket

/// Reads the first request of a new connection, then upgrades it to a WebSocket or passes it to the HTTP API.
final class FirstBytesHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Why a client is refused, and the time allowed for it.
    struct Refusal {
        var turndown: Admission.ConnectionRejection
        /// Whether to refuse without waiting for the first byte.
        var isAtOnce = false
        /// How long the client may read after the last response.
        var lingering = FirstBytesHandler.lingering
    }

    private static let lingering = TimeAmount.seconds(1)

    private let upgrade: Upgrade
    private let refusal: Refusal?
    private let startHTTP: (any Channel, Peer) -> Bool
    private let timeout: TimeAmount
    private var peer: Peer
    private var handshake: WebSocket.ServerHandshake
    private var deadline: Scheduled<Void>?
    private var isDecided = false
    private var isRefused = false

    /// - Parameters:
    ///   - refusal: Nil for an admitted client.
    ///   - timeout: For TLS and the complete request head.
    ///   - startHTTP: Adds the HTTP handlers to the end of the pipeline; false if there are too many connections.
    init(
        upgrade: Upgrade,
        peer: Peer,
        refusal: Refusal?,
        limits: WebSocket.HeadLimits,
        timeout: TimeAmount,
        startHTTP: @escaping (any Channel, Peer) -> Bool
    ) {
        self.upgrade = upgrade
        self.peer = peer
        self.refusal = refusal
        self.handshake = WebSocket.ServerHandshake(limits: limits)
        self.timeout = timeout
        self.startHTTP = startHTTP
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.deadline = context.eventLoop.scheduleTask(in: self.timeout) {
            bound.value.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.deadline?.cancel()
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        guard let refusal, refusal.isAtOnce, !self.isDecided else { return }
        self.decided()
        self.refuse(refusal.turndown.response, context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.deadline?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Mostly TLS errors; there is no client to respond to.
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // An incomplete request is not answered if the client disconnects or this node shuts down.
        let hasNothingToGet = !self.isDecided || self.isRefused
        if hasNothingToGet, event as? ChannelEvent == .inputClosed || event is ChannelShouldQuiesceEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isDecided else { return }
        if let refusal {
            self.decided()
            return self.refuse(refusal.turndown.response, context: context)
        }
        switch self.handshake.receive(self.unwrapInboundIn(data)) {
        case .needMore:
            break
        case .accepted(let request, let rest):
            self.decided()
            self.lookAtCertificate(context)
            switch self.upgrade.decide(request, peer: self.peer, channel: context.channel) {
            case .accept(let handler):
                self.install(handler, rest: rest, context: context)
            case .refuse(let response):
                self.refuse(response, context: context)
            }
        case .notWebSocket(let bytes):
            self.decided()
            self.lookAtCertificate(context)
            guard self.startHTTP(context.channel, self.peer) else {
                return self.refuse(Admission.ConnectionRejection.full.response, context: context)
            }
            context.fireChannelRead(self.wrapInboundOut(bytes))
            context.fireChannelReadComplete()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        case .refused(let refusal):
            self.decided()
            self.refuse(refusal.response, context: context)
        }
    }

    private func decided() {
        self.isDecided = true
        self.deadline?.cancel()
        self.deadline = nil
    }

    private func install(_ handler: WebSocketHandler, rest: ByteBuffer, context: ChannelHandlerContext) {
        do {
            try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        if rest.readableBytes > 0 {
            context.fireChannelRead(self.wrapInboundOut(rest))
        }
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// The TLS handshake is complete when bytes arrive, and a client certificate has been verified by then.
    private func lookAtCertificate(_ context: ChannelHandlerContext) {
        guard self.upgrade.requiresCertificates else { return }
        let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
        self.peer.mayPublish = certificate != nil
    }

    private func refuse(_ response: ByteBuffer, context: ChannelHandlerContext) {
        self.isRefused = true
        context.writeAndFlush(self.wrapOutboundOut(response), promise: nil)
        // If the client is still sending, closing immediately would make the kernel reset the connection, and the
        // response would be lost.
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.deadline = context.eventLoop.scheduleTask(in: self.refusal?.lingering ?? Self.lingering) {
            bound.value.close(promise: nil)
        }
    }
}
