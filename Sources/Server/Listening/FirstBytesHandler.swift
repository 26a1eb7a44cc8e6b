// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import NIOCore
import WebSocket

/// Looks at a new connection's first request and makes it a WebSocket or hands it to the HTTP API.
final class FirstBytesHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let upgrade: Upgrade
    private let startHTTP: (any Channel) -> Bool
    private let timeout: TimeAmount
    private var handshake = WebSocket.ServerHandshake()
    private var deadline: Scheduled<Void>?
    private var isDecided = false

    /// - Parameters:
    ///   - startHTTP: Adds the HTTP handlers to the end of the pipeline; false when there are too many connections.
    ///   - timeout: For the whole request head.
    init(upgrade: Upgrade, timeout: TimeAmount, startHTTP: @escaping (any Channel) -> Bool) {
        self.upgrade = upgrade
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

    func channelInactive(context: ChannelHandlerContext) {
        self.deadline?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Half a request is not answered when its sender, or this node, is leaving.
        if !self.isDecided, event as? ChannelEvent == .inputClosed || event is ChannelShouldQuiesceEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isDecided else { return }
        switch self.handshake.receive(self.unwrapInboundIn(data)) {
        case .needMore:
            break
        case .accepted(let request, let rest):
            self.decided()
            switch self.upgrade.decide(request) {
            case .accept(let handler):
                self.install(handler, rest: rest, context: context)
            case .refuse(let refusal):
                self.refuse(refusal.response, context: context)
            }
        case .notWebSocket(let bytes):
            self.decided()
            guard self.startHTTP(context.channel) else {
                return context.close(promise: nil)
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

    private func refuse(_ response: ByteBuffer, context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(response)).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}
