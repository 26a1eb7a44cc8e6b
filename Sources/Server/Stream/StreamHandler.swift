// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import NIOHTTPTypes
import WebSocket

#if canImport(Glibc)
import Glibc
#endif

/// One stream of Server-Sent Events: frames of the session become events in the body of an HTTP response. Frames of a
/// tick are written at once.
///
/// Stays in the pipeline of its HTTP connection for the lifetime of the stream, to observe writability and the end of
/// the connection. The HTTP server writes the head and end of the response, this handler the body, on the loop.
final class StreamHandler: ChannelInboundHandler, RemovableChannelHandler, EventWriter {
    typealias InboundIn = HTTPRequestPart

    /// Result of opening the stream.
    enum Opening: Sendable {
        case started(StreamTransport)
        /// Nothing has been sent.
        case refused(Problem)
    }

    private enum State {
        /// Subscriptions begin, and their messages are buffered. → `ready`, `over`
        case starting(Session, unanswered: Int)
        /// All have begun; the response head is being written. → `open`, `over`
        case ready(Session)
        case open(Session)
        case over
    }

    /// Bytes buffered in one tick above which the connection counts as not writable.
    private static let tickLimit = 256 * 1024
    /// How long a client may take to read pending data when the stream ends.
    private static let closeTimeout = TimeAmount.seconds(2)

    /// Succeeds with the reason why the stream cannot begin, or nil. The value must not reference this handler, which
    /// would be a reference cycle.
    private let begun: EventLoopPromise<Problem?>
    private let end: EventLoopPromise<Void>
    private let channel: any Channel
    private var observer: ResponseObserver?
    private let decoder = FrameHeaderDecoder(from: .server, maximumPayload: .max)
    private var stream: EventStream
    private var state = State.over
    /// Messages received while subscriptions begin.
    private var early: [[UInt8]] = []
    private var earlyBytes = 0
    /// Output of the current tick.
    private var gathered = ByteBuffer()
    private var isHeadWritten = false
    private var isChannelWritable: Bool
    /// Writes that the kernel has not accepted yet.
    private var writesUnderWay = 0
    private var lastProgress = NIODeadline.now()

    init(_ stream: EventStream, on channel: any Channel) {
        self.stream = stream
        self.channel = channel
        self.isChannelWritable = channel.isWritable
        self.begun = channel.eventLoop.makePromise()
        self.end = channel.eventLoop.makePromise()
    }

    /// Completes when the stream has begun or has failed to.
    var opening: EventLoopFuture<Opening> {
        let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        return self.begun.futureResult.map { problem in
            if let problem { return .refused(problem) }
            return .started(StreamTransport(handler: bound.value, loop: bound.eventLoop))
        }
    }

    /// Completes when the stream is over.
    var ending: EventLoopFuture<Void> { self.end.futureResult }

    // MARK: - Opening

    /// Begins the session; ``opening`` returns the result.
    /// - Parameter retry: Reconnection time of the client, in milliseconds.
    func begin(_ hub: Hub, for principal: Principal?, _ requests: [SubscriptionRequest], retry: Int) {
        let transport = StreamTransport(handler: self, loop: self.channel.eventLoop)
        guard let session = hub.makeSession(on: self.channel.eventLoop, transport: transport, mayPublish: false) else {
            _ = self.refuse(Problem(CloseReason.overloaded))
            return
        }
        self.state = .starting(session, unanswered: requests.count)
        self.setTCPUserTimeout(within: session.shard.limits.silence)
        EventStream.append(retry: retry, to: &self.gathered)
        session.assumeIsolated { session in
            session.opened(by: principal, now: .now)
            if !session.isEnded { session.subscribe(requests, id: nil) }
        }
    }

    /// Refuses before anything has begun.
    func refuse(_ problem: Problem) -> EventLoopFuture<Opening> {
        self.end.succeed()
        self.begun.succeed(problem)
        return self.opening
    }

    /// Makes the kernel close a connection whose client acknowledges no data, because there are no pongs.
    private func setTCPUserTimeout(within time: Duration) {
        #if canImport(Glibc)
        let milliseconds = time.wholeMilliseconds
        _ = self.channel.setOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: milliseconds)
        #endif
    }

    /// Starts the body after the response head has been written.
    /// - Returns: Completes when the stream has ended and all of it has been written.
    func run() -> EventLoopFuture<Void> {
        self.isHeadWritten = true
        if case .ready(let session) = self.state { self.state = .open(session) }
        self.flush()
        return self.end.futureResult
    }

    // MARK: - Out

    var isWritable: Bool {
        self.isChannelWritable && self.earlyBytes + self.gathered.readableBytes < Self.tickLimit
    }

    /// A client without pending writes counts as alive: the kernel tracks the data it has accepted.
    var lastHeard: NIODeadline {
        self.writesUnderWay == 0 ? .now() : self.lastProgress
    }

    func write(_ frames: ByteBuffer) {
        var frames = frames
        while let header = try? self.decoder.next(from: &frames),
            let message = frames.readBytes(length: header.payloadLength)
        {
            switch self.state {
            case .starting: self.take(early: message)
            case .ready, .open: self.take(message)
            case .over: return
            }
        }
    }

    private func take(_ message: [UInt8]) {
        // If one subscription ends, the whole stream ends. The client gets the reason when it reconnects.
        if case .failed = self.stream.append(message, to: &self.gathered) { self.leave(nil) }
    }

    private func take(early message: [UInt8]) {
        self.early.append(message)
        self.earlyBytes += message.count
        switch self.stream.look(at: message) {
        case .nothing: break
        case .subscribed: self.subscribed()
        case .failed(let code, let reason): self.leave(Problem(MessageFault(code, reason)))
        }
    }

    private func subscribed() {
        guard case .starting(let session, let unanswered) = self.state else { return }
        guard unanswered == 1 else {
            self.state = .starting(session, unanswered: unanswered - 1)
            return
        }
        self.state = .ready(session)
        for message in self.early { _ = self.stream.append(message, to: &self.gathered) }
        self.early = []
        self.earlyBytes = 0
        self.begun.succeed(nil)
    }

    func flush() {
        guard self.isHeadWritten, self.gathered.readableBytes > 0 else { return }
        let wasFull = self.gathered.readableBytes >= Self.tickLimit
        let text = self.gathered
        self.gathered = ByteBuffer()
        if self.writesUnderWay == 0 { self.lastProgress = .now() }
        self.writesUnderWay += 1
        let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        self.channel.writeAndFlush(HTTPResponsePart.body(text)).whenComplete { _ in
            bound.value.writesUnderWay -= 1
            bound.value.lastProgress = .now()
        }
        if wasFull, self.isWritable { self.reportRoom() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.isChannelWritable = context.channel.isWritable
        if self.isChannelWritable { self.reportRoom() }
        context.fireChannelWritabilityChanged()
    }

    private func reportRoom() {
        switch self.state {
        case .starting(let session, _), .ready(let session), .open(let session):
            session.assumeIsolated { $0.becameWritable() }
        case .over:
            break
        }
    }

    // MARK: - Ending

    func close(_ reason: CloseReason) {
        if case .starting = self.state { return self.leave(Problem(reason)) }
        guard let session = self.takeSession() else { return }
        EventStream.append(reason, to: &self.gathered)
        if case .draining(let milliseconds) = reason {
            EventStream.append(retry: max(1, milliseconds), to: &self.gathered)
        }
        session.assumeIsolated { $0.ended(code: reason.code) }
        self.finish()
    }

    /// Ends the session after the caller has returned, because it may be in the middle of an operation.
    /// - Parameter problem: Why the stream cannot begin; nil if it has begun.
    private func leave(_ problem: Problem?) {
        guard let session = self.takeSession() else { return }
        let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        self.channel.eventLoop.execute {
            session.assumeIsolated { $0.ended() }
            if let problem { bound.value.begun.succeed(problem) }
            bound.value.finish()
        }
    }

    private func takeSession() -> Session? {
        defer { self.state = .over }
        switch self.state {
        case .starting(let session, _), .ready(let session), .open(let session): return session
        case .over: return nil
        }
    }

    /// The last step: the pending data ends the response.
    private func finish() {
        self.flush()
        self.end.succeed()
        self.channel.pipeline.syncOperations.removeHandler(self, promise: nil)
        guard self.writesUnderWay > 0 else { return }
        let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        self.channel.eventLoop.scheduleTask(in: Self.closeTimeout) {
            if bound.value.writesUnderWay > 0 { bound.value.channel.close(promise: nil) }
        }
    }

    /// The connection was lost.
    private func lose() {
        let isStarting = if case .starting = self.state { true } else { false }
        guard let session = self.takeSession() else { return }
        session.assumeIsolated { $0.ended() }
        self.gathered = ByteBuffer()
        if isStarting { self.begun.succeed(Problem(CloseReason.heartbeatTimeout)) }
        self.end.succeed()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.observer = try? context.pipeline.syncOperations.handler(type: ResponseObserver.self)
        self.observer?.isStreaming = true
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.lose()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.observer?.isStreaming = false
        self.observer = nil
        self.lose()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            // Browsers and curl disconnect in this way. No client half-closes a stream and continues to read.
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
