// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Filters bytes before the HTTP codec: passes valid requests, and closes the connection on invalid ones and on
/// timeouts.
///
/// A ``RequestScanner`` validates the bytes. Errors are answered in order, after the requests before them; the handlers
/// behind the codec report their responses with ``answerBegins()`` and ``answerEnds()``.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Time limits of a client.
    struct Times: Sendable {
        /// For a request head, from its first byte.
        var head: TimeAmount
        /// For a request body.
        var body: TimeAmount
        /// Interval in which a client must read at least ``leastBytes`` of a response.
        var answer: TimeAmount
        /// Interval in which at least ``leastBytes`` of a body must arrive.
        var stall = TimeAmount.seconds(5)
        /// Bytes of a body that must arrive within ``stall``, and of a response that must be read within ``answer``.
        var leastBytes = 1 << 10
    }

    /// How long the client may read after the last response.
    private static let lingering = TimeAmount.seconds(1)

    let peer: Peer
    private let admission: Admission
    private let times: Times
    private var scanner: RequestScanner
    private var context: ChannelHandlerContext?
    /// Requests that were passed on and have no complete response yet.
    private var unanswered = 0
    /// Whether the response to the oldest of them has begun.
    private var isAnswering = false
    /// Whether the newest of them waits for `100 Continue`.
    private var owesContinue = false
    /// The fault to report after the requests before it are answered.
    private var fault: RequestFault?
    /// Whether no more bytes are passed on.
    private var isOver = false
    /// Whether the connection closes after the responses to the passed requests.
    private var isLast = false
    private var timer: Scheduled<Void>?
    /// Bytes of responses written, and how many of them the kernel had accepted at the last check.
    private var writtenBytes = 0
    private var takenBytes = 0
    private var answerTimer: Scheduled<Void>?
    /// Whether the response is a stream, which has no time limit.
    private var isStreaming = false
    private var timed = RequestScanner.Phase.idle
    /// Whether a read is pending.
    private var isReading = true
    private var bodyBytes = 0
    private var bodyTime = TimeAmount.zero

    init(peer: Peer, admission: Admission, limits: RequestHead.Limits, times: Times) {
        self.peer = peer
        self.admission = admission
        self.times = times
        self.scanner = RequestScanner(limits: limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.stopTimer()
        self.stopAnswerTimer()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.isOver = true
        self.stopTimer()
        self.stopAnswerTimer()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if self.isOver, event as? ChannelEvent == .inputClosed {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: - In

    func read(context: ChannelHandlerContext) {
        self.isReading = true
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isOver else { return }
        self.isReading = false
        self.scanner.receive(self.unwrapInboundIn(data))
        while !self.isOver, let event = self.scanner.next() {
            switch event {
            case .head(let head, let bytes):
                self.received(head, bytes, context: context)
            case .body(let bytes):
                self.bodyBytes += bytes.readableBytes
                self.owesContinue = false
                context.fireChannelRead(self.wrapInboundOut(bytes))
            case .end:
                self.stopTimer()
            case .fault(let fault):
                self.fail(fault)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        self.keepTime(context)
    }

    private func received(_ head: RequestHead, _ bytes: ByteBuffer, context: ChannelHandlerContext) {
        self.stopTimer()
        if self.peer.isTrustedProxy,
            let turndown = self.admission.judge(forwardedFor: head.forwardedFor, by: self.peer)
        {
            return self.fail(.turnedAway(turndown))
        }
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

    // MARK: - Out

    /// The response to the oldest request begins.
    func answerBegins() {
        self.isAnswering = true
    }

    /// The response to the oldest request has been written.
    func answerEnds() {
        self.isAnswering = false
        self.unanswered = max(0, self.unanswered - 1)
        self.sendContinue()
        self.refuse()
        if self.isLast, self.unanswered == 0, !self.isOver { self.end(with: ByteBuffer()) }
    }

    /// The connection has been upgraded; further bytes are not for the codec.
    func leave() {
        self.isOver = true
        self.fault = nil
        self.stopTimer()
        self.stopAnswerTimer()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.writtenBytes &+= self.unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    /// A response waits for its client from the time the connection is not writable until all is written.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.stopAnswerTimer()
        } else if self.answerTimer == nil, !self.isOver, !self.isStreaming {
            self.takenBytes = self.bytesTaken(context)
            self.watchAnswer(context)
        }
        context.fireChannelWritabilityChanged()
    }

    private func bytesTaken(_ context: ChannelHandlerContext) -> Int {
        let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return self.writtenBytes &- (waiting ?? 0)
    }

    private func watchAnswer(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.answerTimer = context.eventLoop.scheduleTask(in: self.times.answer) {
            let (gate, context) = bound.value
            gate.answerTimer = nil
            guard !gate.isOver, !gate.isStreaming, !context.channel.isWritable else { return }
            let taken = gate.bytesTaken(context)
            guard taken &- gate.takenBytes >= gate.times.leastBytes else {
                gate.isOver = true
                return context.close(promise: nil)
            }
            gate.takenBytes = taken
            gate.watchAnswer(context)
        }
    }

    private func stopAnswerTimer() {
        self.answerTimer?.cancel()
        self.answerTimer = nil
    }

    /// Marks whether the current response is a stream.
    func streams(_ isStreaming: Bool) {
        self.isStreaming = isStreaming
        if isStreaming { self.stopAnswerTimer() }
    }

    // MARK: - Refusing

    /// Sends the last response and closes the connection. The requests before it have been answered.
    func end(with response: ByteBuffer) {
        self.leave()
        guard let context = self.context else { return }
        context.writeAndFlush(self.wrapOutboundOut(response), promise: nil)
        // If the client is still sending, closing immediately would make the kernel reset the connection, and the
        // response would be lost.
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.lingering) { bound.value.close(promise: nil) }
    }

    private func fail(_ fault: RequestFault) {
        self.isOver = true
        self.fault = fault
        self.stopTimer()
        self.refuse()
    }

    private func refuse() {
        guard let fault = self.fault else { return }
        // The response to a fault in a body is the response to its request, if that has none yet.
        let own = fault.isInBody ? 1 : 0
        guard self.unanswered <= own else { return }
        self.fault = nil
        guard let context = self.context else { return }
        guard self.unanswered == own, !self.isAnswering else { return context.close(promise: nil) }
        self.end(with: fault.response)
    }

    // MARK: - Time

    /// Sets timers for unfinished requests after all received bytes are scanned, so that complete requests need no
    /// timer.
    private func keepTime(_ context: ChannelHandlerContext) {
        let phase = self.isOver ? .over : self.scanner.phase
        guard phase != self.timed else { return }
        self.stopTimer()
        self.timed = phase
        switch phase {
        case .head: self.schedule(in: self.times.head, context)
        case .body: self.schedule(in: min(self.times.stall, self.times.body), context)
        case .idle, .over: break
        }
    }

    private func schedule(in time: TimeAmount, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(in: time) { bound.value.timeHasPassed(time) }
    }

    private func timeHasPassed(_ time: TimeAmount) {
        guard !self.isOver, let context = self.context else { return }
        switch self.timed {
        case .head:
            self.fail(.slowHead(seconds: Int(self.times.head.nanoseconds / 1_000_000_000)))
        case .body:
            // Time without a pending read does not count against the client.
            if self.isReading {
                self.bodyTime = self.bodyTime + time
                let isStalled = time >= self.times.stall && self.bodyBytes < self.times.leastBytes
                guard self.bodyTime < self.times.body, !isStalled else { return self.fail(.slowBody) }
            }
            self.bodyBytes = 0
            self.schedule(in: min(self.times.stall, max(.milliseconds(1), self.times.body - self.bodyTime)), context)
        case .idle, .over:
            break
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
