// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOSSL
import WebSocket

/// Looks at a new connection's first request and makes it a WebSocket or hands it to the HTTP API.
final class FirstBytesHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Why a client is turned away, and how much time there is for it.
    struct Refusal {
        var turndown: Admission.Turndown
        /// Whether it is not even waited for its first byte.
        var isAtOnce = false
        /// How long the client may read on after it was told that the connection ends.
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
    ///   - refusal: Nil for a client that is let in.
    ///   - timeout: For TLS and the whole request head.
    ///   - startHTTP: Adds the HTTP handlers to the end of the pipeline; false when there are too many connections.
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
        // Of TLS, for the most part; there is nobody to tell.
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Half a request is not answered when its sender, or this node, is leaving.
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
                return self.refuse(Admission.Turndown.full.response, context: context)
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

    /// The handshake of TLS is over when bytes come. A certificate that a client shows has been verified by then.
    private func lookAtCertificate(_ context: ChannelHandlerContext) {
        guard self.upgrade.requiresCertificates else { return }
        let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
        self.peer.mayPublish = certificate != nil
    }

    private func refuse(_ response: ByteBuffer, context: ChannelHandlerContext) {
        self.isRefused = true
        context.writeAndFlush(self.wrapOutboundOut(response), promise: nil)
        // Closing at once would have the kernel reset the connection, and the answer be lost, if the client goes on
        // sending.
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.deadline = context.eventLoop.scheduleTask(in: self.refusal?.lingering ?? Self.lingering) {
            bound.value.close(promise: nil)
        }
    }
}
