// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import NIOCore
import NIOSSL
import WebSocket

/// The first handler of every connection: admits or refuses the client, and decides at the head of each request where
/// the request goes.
///
/// - A WebSocket upgrade, as the first request or a later one, replaces this handler with a ``WebSocketHandler``.
/// - Other requests go to the HTTP API, whose handlers are added at the first of them.
/// - What two readers could understand differently (``RequestScanner``), or takes too long, ends the connection.
///
/// Everything is answered in order: a ``ResponseObserver`` behind the codec reports the responses of the API, and an
/// upgrade or the response to a fault waits for those before it.
final class HTTPFront: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Why a client is refused, and the time allowed for it.
    struct Refusal {
        var rejection: Admission.ConnectionRejection
        /// Whether to refuse without waiting for the first byte.
        var isAtOnce = false
        /// How long the client may read after the response.
        var lingering = HTTPFront.lingering
    }

    /// What ends HTTP on the connection.
    private enum Ending {
        case fault(RequestFault)
        case refusal(WebSocket.Refusal)
        /// With the frames that were received together with the request.
        case upgrade(WebSocket.Request, rest: ByteBuffer)
    }

    /// How long the client may read after the last response.
    private static let lingering = TimeAmount.seconds(1)
    /// How long a refused client has for its first byte, in seconds.
    private static let refusalSeconds = 2
    /// Interval in which at least ``leastBytes`` of a body must arrive.
    private static let stallTime = TimeAmount.seconds(5)
    /// Bytes of a body that must arrive within ``stallTime``.
    private static let leastBytes = 1 << 10

    private let listener: Listener
    private let refusal: Refusal?
    private(set) var peer: Peer
    private var scanner = RequestScanner()
    private var context: ChannelHandlerContext?
    /// Whether the handlers of the HTTP API have been added.
    private var isServing = false
    /// Requests that were passed on and have no complete response yet.
    private var unanswered = 0
    /// Whether the response to the oldest of them has begun.
    private var isAnswering = false
    /// Whether the newest of them waits for `100 Continue`.
    private var owesContinue = false
    /// Whether the connection closes after the responses to them.
    private var isLast = false
    /// What follows the responses to them.
    private var ending: Ending?
    /// Whether no more bytes are passed on.
    private(set) var isOver = false
    /// Bytes of responses written.
    private(set) var writtenBytes = 0
    private var timer: Scheduled<Void>?
    /// The unfinished part of a request that the timer is for.
    private var timed = RequestScanner.Phase.idle
    /// Whether a read is pending.
    private var isReading = true
    private var bodyBytes = 0
    private var bodyTime = TimeAmount.zero

    /// - Parameter refusal: Nil for an admitted client.
    init(_ listener: Listener, peer: Peer, refusal: Refusal?) {
        self.listener = listener
        self.peer = peer
        self.refusal = refusal
    }

    // MARK: - Connection

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // For TLS and the first head, or for the first byte of a refused client.
        let seconds = self.listener.configuration.headSeconds
        let limit = self.refusal == nil ? seconds : min(Self.refusalSeconds, seconds)
        self.setTimer(.seconds(Int64(clamping: limit)), context) { $1.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.leave()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if let refusal, refusal.isAtOnce { self.refuse(refusal) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.leave()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !self.isServing else { return context.fireErrorCaught(error) }
        // Mostly TLS errors; there is no client to respond to.
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        let isInputClosed = event as? ChannelEvent == .inputClosed
        // An incomplete first request is not answered if the client disconnects or this node shuts down.
        if isInputClosed && (self.isOver || !self.isServing) || event is ChannelShouldQuiesceEvent && !self.isServing {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: - Requests

    func read(context: ChannelHandlerContext) {
        self.isReading = true
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isOver else { return }
        if let refusal { return self.refuse(refusal) }
        self.isReading = false
        self.scanner.receive(self.unwrapInboundIn(data))
        while !self.isOver, let event = self.scanner.next() {
            switch event {
            case .head(let head, let bytes):
                self.received(head, bytes, context)
            case .body(let bytes):
                self.bodyBytes += bytes.readableBytes
                self.owesContinue = false
                context.fireChannelRead(self.wrapInboundOut(bytes))
            case .end:
                self.stopTimer()
            case .fault(let fault):
                self.end(with: .fault(fault))
            }
        }
    }

    /// Decides where a request goes.
    private func received(_ head: RequestHead, _ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.stopTimer()
        if !self.isServing { self.checkCertificate(context) }
        switch head.isLast ? WebSocket.Request.validate(head: bytes.readableBytesUInt8Span) : .notWebSocket {
        case .accepted(let request):
            // Clients send no frames before the response. Those received while the request waits are ignored.
            let rest = self.unanswered == 0 ? self.scanner.takeRest() : ByteBuffer()
            self.end(with: .upgrade(request, rest: rest))
        case .refused(let refusal):
            self.end(with: .refusal(refusal))
        case .notWebSocket:
            self.serve(head, bytes, context)
        }
    }

    /// The TLS handshake is complete with the first request, and a client certificate has been verified by then.
    private func checkCertificate(_ context: ChannelHandlerContext) {
        self.peer.mayPublish =
            !self.listener.configuration.requiresPublisherCertificates
            || (try? context.pipeline.syncOperations.nioSSL_peerCertificate()) != nil
    }

    /// Passes a request on to the HTTP API.
    private func serve(_ head: RequestHead, _ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        if self.peer.isTrustedProxy,
            let rejection = self.listener.admission.judge(forwardedFor: head.forwardedFor, by: self.peer)
        {
            return self.end(with: .fault(.turnedAway(rejection)))
        }
        guard self.isServing || self.listener.startHTTP(context.channel, behind: self) else {
            return self.end(with: .fault(.turnedAway(.full)))
        }
        self.isServing = true
        self.unanswered += 1
        self.owesContinue = head.expectsContinue
        self.isLast = head.isLast
        context.fireChannelRead(self.wrapInboundOut(bytes))
        self.sendContinue()
    }

    /// Sends `100 Continue` once it can apply to no other request.
    private func sendContinue() {
        guard self.owesContinue, self.unanswered == 1, !self.isAnswering, !self.isOver else { return }
        self.owesContinue = false
        guard let context else { return }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
    }

    // MARK: - Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.writtenBytes &+= self.unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    /// The response to the oldest request begins.
    func responseBegins() {
        self.isAnswering = true
    }

    /// The response to the oldest request has been written.
    func responseEnds() {
        self.isAnswering = false
        self.unanswered = max(0, self.unanswered - 1)
        self.sendContinue()
        self.endInTurn()
        if self.isLast, self.unanswered == 0, !self.isOver { self.close(after: ByteBuffer()) }
    }

    // MARK: - Ending

    /// Passes nothing on any more, and ends HTTP once the requests before are answered.
    private func end(with ending: Ending) {
        self.isOver = true
        self.stopTimer()
        self.ending = ending
        self.endInTurn()
    }

    private func endInTurn() {
        guard let ending, let context else { return }
        // The response to a fault in a body is the response to its request, if that has none yet.
        let own = if case .fault(let fault) = ending, fault.isInBody { 1 } else { 0 }
        guard self.unanswered <= own else { return }
        self.ending = nil
        guard self.unanswered == own, !self.isAnswering else { return context.close(promise: nil) }
        switch ending {
        case .fault(let fault): self.close(after: fault.response)
        case .refusal(let refusal): self.close(after: refusal.response)
        case .upgrade(let request, let rest): self.upgrade(request, rest: rest, context)
        }
    }

    private func upgrade(_ request: WebSocket.Request, rest: ByteBuffer, _ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        switch self.listener.upgrade(context.channel, of: self.peer, for: request) {
        case .refused(let response):
            return self.close(after: response)
        case .accepted(let handler):
            do {
                // The HTTP handlers remain behind the WebSocket's and see no more data. One of them would close the
                // connection as idle.
                if self.isServing {
                    let idling = try pipeline.context(handlerType: HTTPConnectionStateHandler.self)
                    pipeline.removeHandler(context: idling, promise: nil)
                }
                try pipeline.addHandler(handler, position: .after(self))
            } catch {
                return context.close(promise: nil)
            }
        }
        if rest.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(rest)) }
        context.fireChannelReadComplete()
        pipeline.removeHandler(self, promise: nil)
    }

    private func refuse(_ refusal: Refusal) {
        guard !self.isOver else { return }
        self.close(after: refusal.rejection.response, lingering: refusal.lingering)
    }

    /// Sends the last response and closes the connection.
    private func close(after response: ByteBuffer, lingering: TimeAmount = HTTPFront.lingering) {
        self.leave()
        guard let context else { return }
        context.writeAndFlush(self.wrapOutboundOut(response), promise: nil)
        // If the client is still sending, closing immediately would make the kernel reset the connection, and the
        // response would be lost.
        context.close(mode: .output, promise: nil)
        self.setTimer(lingering, context) { $1.close(promise: nil) }
    }

    private func leave() {
        self.isOver = true
        self.ending = nil
        self.stopTimer()
    }

    // MARK: - Time

    /// Sets the timer for an unfinished request after all received bytes are scanned, so that complete requests need
    /// none. The first head has had one from the beginning.
    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        let phase = self.scanner.phase
        guard self.isServing, !self.isOver, phase != self.timed else { return }
        self.stopTimer()
        self.timed = phase
        switch phase {
        case .head: self.watchRequest(for: .seconds(Int64(clamping: self.listener.configuration.headSeconds)), context)
        case .body: self.watchRequest(for: min(Self.stallTime, self.bodyLimit), context)
        case .idle, .over: break
        }
    }

    private var bodyLimit: TimeAmount { TimeAmount(self.listener.configuration.bodyTime) }

    private func watchRequest(for time: TimeAmount, _ context: ChannelHandlerContext) {
        self.setTimer(time, context) { $0.timeHasPassed(time, $1) }
    }

    private func timeHasPassed(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        switch self.timed {
        case .head:
            self.end(with: .fault(.slowHead(seconds: self.listener.configuration.headSeconds)))
        case .body:
            // Time without a pending read does not count against the client.
            if self.isReading {
                self.bodyTime = self.bodyTime + time
                let isStalled = time >= Self.stallTime && self.bodyBytes < Self.leastBytes
                guard self.bodyTime < self.bodyLimit, !isStalled else { return self.end(with: .fault(.slowBody)) }
            }
            self.bodyBytes = 0
            self.watchRequest(for: min(Self.stallTime, max(.milliseconds(1), self.bodyLimit - self.bodyTime)), context)
        case .idle, .over:
            break
        }
    }

    private func setTimer(
        _ time: TimeAmount,
        _ context: ChannelHandlerContext,
        _ work: @escaping @Sendable (HTTPFront, ChannelHandlerContext) -> Void
    ) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(in: time) {
            let (front, context) = bound.value
            work(front, context)
        }
    }

    private func stopTimer() {
        self.timer?.cancel()
        self.timer = nil
        self.timed = .idle
        self.bodyBytes = 0
        self.bodyTime = .zero
    }
}
