// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes
import WebSocket

/// Upgrades a connection to a WebSocket after it has served HTTP requests, as with proxies that reuse connections.
///
/// The WebSocket handler is added before the ``RequestGate``; the HTTP handlers behind it stay but see no more data.
final class LateUpgradeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let upgrade: Upgrade
    private var gate: RequestGate?
    private var isTaken = false
    /// Requests without a complete response.
    private var unanswered = 0
    /// An upgrade request pipelined behind another request; it waits for that response.
    private var waiting: WebSocket.Request.OnHead?

    init(upgrade: Upgrade) {
        self.upgrade = upgrade
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.gate = try? context.pipeline.syncOperations.handler(type: RequestGate.self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.gate = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isTaken else { return }
        guard case .head(let head) = self.unwrapInboundIn(data) else {
            return context.fireChannelRead(data)
        }
        guard head.headerFields[.upgrade] != nil else {
            self.unanswered += 1
            return context.fireChannelRead(data)
        }
        var fields = head.headerFields.map { (name: $0.name.rawName, value: $0.value) }
        if let authority = head.authority {
            fields.append((name: "Host", value: authority))
        }
        let verdict = WebSocket.Request.validate(
            method: head.method.rawValue,
            target: head.path ?? "/",
            fields: WebSocket.HeaderFields(fields)
        )
        if case .notWebSocket = verdict {
            self.unanswered += 1
            return context.fireChannelRead(data)
        }
        self.isTaken = true
        self.gate?.leave()
        if self.unanswered > 0 {
            self.waiting = verdict
        } else {
            self.answer(verdict, context: context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = self.unwrapOutboundIn(data)
        if case .head = part { self.gate?.answerBegins() }
        context.write(data, promise: promise)
        guard case .end = part else { return }
        self.unanswered -= 1
        self.gate?.answerEnds()
        guard self.unanswered == 0, let waiting = self.waiting else { return }
        self.waiting = nil
        self.answer(waiting, context: context)
    }

    private func answer(_ verdict: WebSocket.Request.OnHead, context: ChannelHandlerContext) {
        switch verdict {
        case .notWebSocket:
            break
        case .refused(let refusal):
            self.gate?.end(with: refusal.response)
        case .accepted(let request):
            guard let peer = self.gate?.peer else { return context.close(promise: nil) }
            switch self.upgrade.decide(request, peer: peer, channel: context.channel) {
            case .refuse(let response): self.gate?.end(with: response)
            case .accept(let handler): self.install(handler, context: context)
            }
        }
    }

    private func install(_ handler: WebSocketHandler, context: ChannelHandlerContext) {
        do {
            // It would close the connection as idle, because there is no HTTP traffic.
            let idling = try context.pipeline.syncOperations.context(handlerType: HTTPConnectionStateHandler.self)
            context.pipeline.syncOperations.removeHandler(context: idling, promise: nil)
            try context.pipeline.syncOperations.addHandler(
                handler,
                position: .before(try context.pipeline.syncOperations.handler(type: RequestGate.self))
            )
        } catch {
            context.close(promise: nil)
        }
    }
}
