// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes
import WebSocket

/// Makes a WebSocket of a connection that served HTTP requests before, as proxies that keep connections do.
///
/// The WebSocket takes the first place in the pipeline; the HTTP handlers behind it stay and see nothing more.
final class LateUpgradeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let upgrade: Upgrade
    private var isTaken = false
    /// Requests that have not been answered whole.
    private var unanswered = 0
    /// A request to upgrade that was sent before the answer to the one in front of it; it waits for that answer.
    private var waiting: WebSocket.Request.OnHead?

    init(upgrade: Upgrade) {
        self.upgrade = upgrade
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
        if self.unanswered > 0 {
            self.waiting = verdict
        } else {
            self.answer(verdict, context: context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = self.unwrapOutboundIn(data)
        context.write(data, promise: promise)
        guard case .end = part else { return }
        self.unanswered -= 1
        guard self.unanswered == 0, let waiting = self.waiting else { return }
        self.waiting = nil
        self.answer(waiting, context: context)
    }

    private func answer(_ verdict: WebSocket.Request.OnHead, context: ChannelHandlerContext) {
        switch verdict {
        case .notWebSocket:
            break
        case .refused(let refusal):
            self.refuse(refusal, context: context)
        case .accepted(let request):
            switch self.upgrade.decide(request) {
            case .refuse(let refusal): self.refuse(refusal, context: context)
            case .accept(let handler): self.install(handler, context: context)
            }
        }
    }

    private func install(_ handler: WebSocketHandler, context: ChannelHandlerContext) {
        do {
            // It counts a connection without HTTP traffic as idle, and would close it.
            let idling = try context.pipeline.syncOperations.context(handlerType: HTTPConnectionStateHandler.self)
            context.pipeline.syncOperations.removeHandler(context: idling, promise: nil)
            try context.pipeline.syncOperations.addHandler(handler, position: .first)
        } catch {
            context.close(promise: nil)
        }
    }

    private func refuse(_ refusal: WebSocket.Refusal, context: ChannelHandlerContext) {
        var response = HTTPResponse(status: HTTPResponse.Status(code: refusal.status))
        for (name, value) in refusal.fields {
            if let name = HTTPField.Name(name) { response.headerFields.append(HTTPField(name: name, value: value)) }
        }
        response.headerFields[.connection] = "close"
        response.headerFields[.contentLength] = "0"
        context.write(self.wrapOutboundOut(.head(response)), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}
