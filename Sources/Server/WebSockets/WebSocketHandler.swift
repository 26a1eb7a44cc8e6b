// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Logging
import NIOCore
import WebSocket

/// One WebSocket after its upgrade: decodes bytes to messages for the session, and writes all frames of a tick at once.
///
/// Is first in the pipeline, so that other handlers, such as the HTTP codec that the connection began with, see none of
/// its bytes. Reading pauses while the session is busy or the client does not read.
final class WebSocketHandler: ChannelDuplexHandler, EventWriter {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private enum State {
        case idle
        case open(Session)
        /// A close frame was sent; the peer must answer before the deadline.
        case closing(deadline: Scheduled<Void>)
        case closed
    }

    /// How long a peer may take to answer a close frame.
    private static let closeTimeout = TimeAmount.seconds(2)
    /// Bytes buffered in one tick above which the connection counts as not writable.
    private static let tickLimit = 256 * 1024

    private let hub: Hub
    /// The response to the upgrade request; nil once it is written.
    private var response: ByteBuffer?
    /// Token of the upgrade request; nil once it is passed to the session.
    private var token: String?
    private let peer: Peer
    private var budget: InboundBudget
    private let logger: Logger
    private var endpoint: WebSocket.Endpoint
    /// Nil if no compression was negotiated.
    private var deflation: WebSocket.Deflation?
    private let takeover: SocketCompression.TakeoverPermit?
    private var state = State.idle
    private var context: ChannelHandlerContext?
    /// The context's channel, cached because access through the context is slow.
    private var channel: (any Channel)?
    /// The last writability reported by NIO; false once the handler has left the pipeline.
    private var isChannelWritable = false
    /// Output of the current tick, in two parts because it is mostly one buffer.
    private var firstFrames: ByteBuffer?
    private var moreFrames: [ByteBuffer] = []
    private var frameBytes = 0
    private var wantsRead = false
    private var socket: DirectSocket?
    /// Writes that NIO has not finished.
    private var writesInNIO = 0
    private(set) var lastHeard = NIODeadline.now()

    /// - Parameters:
    ///   - response: Response to the upgrade request.
    ///   - token: From the request's `Authorization`, if it had one.
    init(
        hub: Hub,
        response: ByteBuffer,
        peer: Peer,
        rates: InboundBudget.Rates,
        token: String?,
        limits: WebSocket.Endpoint.Limits,
        compression: SocketCompression.Agreement?,
        logger: Logger
    ) {
        self.hub = hub
        self.response = response
        self.peer = peer
        self.budget = InboundBudget(rates)
        self.token = token
        self.logger = logger
        self.endpoint = WebSocket.Endpoint(role: .server, limits: limits, compression: compression?.compression)
        self.deflation = compression?.compression.outgoing
        self.takeover = compression?.permit
        self.takesCompressedRuns = compression?.compression.outgoing != nil && compression?.permit == nil
    }

    // MARK: - Lifecycle

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.context = context
        self.channel = channel
        self.isChannelWritable = channel.isWritable
        // Bypassing NIO bypasses TLS.
        self.socket = self.peer.isSecure ? nil : DirectSocket(channel)
        let loop = context.eventLoop
        let transport = SocketTransport(handler: self, loop: loop)
        guard let session = self.hub.makeSession(on: loop, transport: transport, mayPublish: self.peer.mayPublish)
        else {
            self.logger.error("connection on a loop that is not the hub's")
            return context.close(promise: nil)
        }
        self.state = .open(session)
        // Completes when NIO has sent its pending bytes; from then on frames may bypass it.
        self.sendThroughNIO(ByteBuffer(), context: context)
        if let response = self.response.take() { self.append(response) }
        let token = self.token.take()
        session.assumeIsolated { $0.opened(token: token, now: .now) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.end()
        self.context = nil
        self.channel = nil
        self.isChannelWritable = false
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.logger.debug("connection failed", metadata: ["session": "\(self.sessionID)", "error": "\(error)"])
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            context.close(promise: nil)
        } else if !(event is ChannelShouldQuiesceEvent) {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// Session ID for the log.
    private var sessionID: String {
        if case .open(let session) = self.state { session.id } else { "" }
    }

    /// - Parameter code: Close code, if there was one.
    private func end(_ code: WebSocket.CloseCode? = nil) {
        let state = self.state
        self.state = .closed
        self.firstFrames = nil
        self.moreFrames = []
        switch state {
        case .open(let session): session.assumeIsolated { $0.ended(code: code?.rawValue ?? SessionShardMetrics.noCode) }
        case .closing(let deadline): deadline.cancel()
        case .idle, .closed: break
        }
    }

    // MARK: - In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let now = NIODeadline.now()
        let bytes = self.unwrapInboundIn(data)
        self.lastHeard = now
        if let wait = self.budget.take(bytes: bytes.readableBytes, at: now), self.isLimited(wait) { return }
        self.endpoint.receive(bytes)
        var texts: [[UInt8]] = []
        var controls = 0
        var binary = false
        reading: while let event = self.endpoint.next() {
            switch event {
            case .text(let text):
                texts.append(Array(text.readableBytesView))
            case .binary:
                binary = true
                break reading
            case .ping(_, let pong):
                controls += 1
                self.append(pong)
            case .pong:
                controls += 1
            case .closed(let close, let reply):
                self.hand(texts, binary: false)
                return self.finish(reply, code: close.code)
            case .failed(let violation, let reply):
                self.logger.debug(
                    "protocol violation",
                    metadata: ["session": "\(self.sessionID)", "violation": "\(violation)"]
                )
                self.hand(texts, binary: false)
                return self.finish(reply, code: violation.closeCode)
            }
        }
        if let wait = self.budget.take(messages: texts.count + controls, at: now), self.isLimited(wait) { return }
        self.hand(texts, binary: binary)
    }

    /// The client has exceeded its budget: closes its connection, except for publishers, which have a rate limit for
    /// events.
    private func isLimited(_ wait: TimeAmount) -> Bool {
        guard case .open(let session) = self.state else { return true }
        return session.assumeIsolated { $0.exceededBudget(wait) }
    }

    private func hand(_ texts: [[UInt8]], binary: Bool) {
        guard case .open(let session) = self.state, binary || !texts.isEmpty else { return }
        session.assumeIsolated { session in
            for text in texts {
                session.received(text)
            }
            if binary { session.receivedBinary() }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.flush()
    }

    func read(context: ChannelHandlerContext) {
        if self.takesBytes {
            context.read()
        } else {
            self.wantsRead = true
        }
    }

    private var takesBytes: Bool {
        guard self.isWritable else { return false }
        return switch self.state {
        case .open(let session): session.assumeIsolated { $0.takesMessages }
        case .idle, .closing, .closed: true
        }
    }

    func resumeReading() {
        guard self.wantsRead, self.takesBytes else { return }
        self.wantsRead = false
        self.context?.read()
    }

    // MARK: - Out

    var isWritable: Bool {
        self.isChannelWritable && self.frameBytes < Self.tickLimit
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.isChannelWritable = context.channel.isWritable
        if self.isChannelWritable, case .open(let session) = self.state {
            session.assumeIsolated { $0.becameWritable() }
            self.resumeReading()
        }
        context.fireChannelWritabilityChanged()
    }

    /// Whether to send frames compressed by ``SocketCompression``: not with context takeover, which compresses per
    /// connection.
    let takesCompressedRuns: Bool

    /// Writes frames for this connection only.
    func write(_ frames: ByteBuffer) {
        guard self.deflation != nil else { return self.append(frames) }
        self.append(self.deflation?.compress(frames: frames)?.frames ?? frames)
    }

    /// Writes frames shared with other connections, which may be compressed if ``takesCompressedRuns``.
    func writeRun(_ frames: ByteBuffer) {
        if self.takesCompressedRuns {
            self.append(frames)
        } else {
            self.write(frames)
        }
    }

    private func append(_ frames: ByteBuffer) {
        guard case .open = self.state else { return }
        self.gather(frames)
    }

    private func gather(_ frames: ByteBuffer) {
        if self.firstFrames == nil {
            self.firstFrames = frames
        } else {
            self.moreFrames.append(frames)
        }
        self.frameBytes += frames.readableBytes
    }

    /// Sends the frames buffered since the last flush in one system call.
    func flush() {
        guard let first = self.firstFrames.take() else { return }
        let wasFull = self.frameBytes >= Self.tickLimit
        let frames = self.moreFrames.isEmpty ? first : self.joined(first)
        // All buffers are cleared before NIO writes, because it may report writability immediately; frames that the
        // session writes then are for the next flush.
        self.frameBytes = 0
        self.send(frames)
        if wasFull, self.isWritable, case .open(let session) = self.state {
            session.assumeIsolated { $0.becameWritable() }
        }
    }

    /// All buffered output, in one buffer.
    private func joined(_ first: ByteBuffer) -> ByteBuffer {
        var joined = ByteBufferAllocator().buffer(capacity: self.frameBytes)
        joined.writeImmutableBuffer(first)
        for frames in self.moreFrames {
            joined.writeImmutableBuffer(frames)
        }
        self.moreFrames.removeAll(keepingCapacity: self.moreFrames.count <= 8)
        return joined
    }

    private func send(_ frames: ByteBuffer) {
        var sent = 0
        // The descriptor of a closed connection may have been reused.
        if self.writesInNIO == 0, let socket = self.socket, self.channel?.isActive ?? false {
            sent = socket.send(frames)
            guard sent < frames.readableBytes else { return }
        }
        guard let context = self.context else { return }
        var rest = frames
        rest.moveReaderIndex(forwardBy: sent)
        self.sendThroughNIO(rest, context: context)
    }

    private func sendThroughNIO(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        self.writesInNIO += 1
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(bytes)).whenComplete { _ in
            bound.value.writesInNIO -= 1
        }
    }

    func ping() {
        if let frame = self.endpoint.ping() { self.append(frame) }
    }

    // MARK: - Closing

    func close(_ code: WebSocket.CloseCode, reason: String) {
        guard case .open(let session) = self.state, let context = self.context else { return }
        if let frame = self.endpoint.close(code, reason: reason) {
            self.append(frame)
        }
        self.flush()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.state = .closing(
            deadline: context.eventLoop.scheduleTask(in: Self.closeTimeout) {
                bound.value.close(promise: nil)
            }
        )
        session.assumeIsolated { $0.ended(code: code.rawValue) }
    }

    /// The peer closed or violated the protocol: answers and closes the connection. Sends before closing, so that a
    /// reset does not discard the close frame.
    private func finish(_ reply: ByteBuffer?, code: WebSocket.CloseCode) {
        guard let context = self.context else { return }
        // There is a reply only if no close frame has been sent, even if a message in the same read has just ended the
        // session: the endpoint was already closed then.
        if let reply { self.gather(reply) }
        self.flush()
        self.end(code)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.state = .closing(
            deadline: context.eventLoop.scheduleTask(in: Self.closeTimeout) {
                bound.value.close(promise: nil)
            }
        )
        context.close(mode: .output, promise: nil)
    }
}
