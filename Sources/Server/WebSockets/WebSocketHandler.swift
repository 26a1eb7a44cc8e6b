// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Logging
import NIOCore
import WebSocket

/// One WebSocket after its upgrade: bytes to messages for the session, frames of a tick to one write.
///
/// Stands first in the pipeline, so that whatever else is there (an HTTP codec that the connection began with) sees
/// nothing of it. Reading stops while the session has enough to do or the client does not read.
final class WebSocketHandler: ChannelDuplexHandler, Lane {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private enum State {
        case idle
        case open(Session)
        /// A close frame was sent; the peer has until the deadline to answer.
        case closing(deadline: Scheduled<Void>)
        case closed
    }

    /// How long a peer may take to answer a close.
    private static let closeTimeout = TimeAmount.seconds(2)
    /// Bytes gathered in one tick after which the connection counts as not writable.
    private static let tickLimit = 256 * 1024

    private let hub: Hub
    /// The answer to the upgrade request; nil once it was written.
    private var response: ByteBuffer?
    /// From the upgrade request; nil once it was handed on.
    private var token: String?
    private let peer: Peer
    private var budget: InboundBudget
    private let logger: Logger
    private var endpoint: WebSocket.Endpoint
    /// Nil where no compression was agreed on.
    private var deflation: WebSocket.Deflation?
    private let takeover: SocketCompression.TakeoverPermit?
    private var state = State.idle
    private var context: ChannelHandlerContext?
    /// The context's, which is slow to ask for it.
    private var channel: (any Channel)?
    /// What NIO said last; false once the handler has left the pipeline.
    private var isChannelWritable = false
    /// What the tick has gathered, in two parts because it is mostly one buffer.
    private var firstFrames: ByteBuffer?
    private var moreFrames: [ByteBuffer] = []
    private var frameBytes = 0
    private var wantsRead = false
    private var socket: DirectSocket?
    /// Writes that NIO has not finished.
    private var writesInNIO = 0
    private(set) var lastHeard = NIODeadline.now()

    /// - Parameters:
    ///   - response: To the upgrade request.
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

    // MARK: - The connection's life

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.context = context
        self.channel = channel
        self.isChannelWritable = channel.isWritable
        // What goes past NIO goes past TLS.
        self.socket = self.peer.isSecure ? nil : DirectSocket(channel)
        let loop = context.eventLoop
        let outlet = SocketOutlet(handler: self, loop: loop)
        guard let session = self.hub.makeSession(on: loop, outlet: outlet, mayPublish: self.peer.mayPublish)
        else {
            self.logger.error("connection on a loop that is not the hub's")
            return context.close(promise: nil)
        }
        self.state = .open(session)
        // Completes when NIO has sent what it held before: from then on frames may go past it.
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

    /// Of the session, for the log.
    private var sessionID: String {
        if case .open(let session) = self.state { session.id } else { "" }
    }

    /// - Parameter code: Of the close, if there was one.
    private func end(_ code: WebSocket.CloseCode? = nil) {
        let state = self.state
        self.state = .closed
        self.firstFrames = nil
        self.moreFrames = []
        switch state {
        case .open(let session): session.assumeIsolated { $0.ended(code: code?.rawValue ?? RosterFigures.noCode) }
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

    /// The client has sent more than its budget: closes its connection, unless it is a publisher's, who is kept to a
    /// rate of events.
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

    /// Whether frames may come compressed by ``SocketCompression``: not if they are to be compressed with the help of
    /// what this connection got before.
    let takesCompressedRuns: Bool

    /// Writes frames that are for this connection alone.
    func write(_ frames: ByteBuffer) {
        guard self.deflation != nil else { return self.append(frames) }
        self.append(self.deflation?.compress(frames: frames)?.frames ?? frames)
    }

    /// Writes frames that others get as well, and that may be compressed where ``takesCompressedRuns``.
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

    /// Frames gathered since the last flush leave in one system call.
    func flush() {
        guard let first = self.firstFrames.take() else { return }
        let wasFull = self.frameBytes >= Self.tickLimit
        let frames = self.moreFrames.isEmpty ? first : self.joined(first)
        // Nothing is left behind before NIO is asked to write, which may tell of room at once: what the session
        // writes then is for the next flush.
        self.frameBytes = 0
        self.send(frames)
        if wasFull, self.isWritable, case .open(let session) = self.state {
            session.assumeIsolated { $0.becameWritable() }
        }
    }

    /// All that was gathered, in one buffer.
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
        // A closed connection's descriptor may be another's by now.
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

    /// The peer closed, or broke the rules: answers and ends the connection, sending before closing so that the close
    /// frame is not lost to a reset.
    private func finish(_ reply: ByteBuffer?, code: WebSocket.CloseCode) {
        guard let context = self.context else { return }
        // There is a reply only where no close frame was sent, also if the session has just ended for a message that came
        // in the same read: it found the endpoint closed already.
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
