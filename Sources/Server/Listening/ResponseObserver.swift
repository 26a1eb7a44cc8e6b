// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTPTypes

/// Observes the responses of the HTTP API, behind its codec: reports each to the ``HTTPFront``, and closes the
/// connection of a client that does not read.
final class ResponseObserver: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Bytes that a client must read within the time limit of a body.
    private static let leastBytes = 1 << 10

    /// Nil once the handler has left the pipeline.
    private var front: HTTPFront?
    private let limit: TimeAmount
    private var timer: Scheduled<Void>?
    /// Bytes that the kernel had accepted at the last check.
    private var takenBytes = 0

    /// Whether the response is a stream, which has no time limit.
    var isStreaming = false {
        didSet { if self.isStreaming { self.stopTimer() } }
    }

    init(_ front: HTTPFront, limit: TimeAmount) {
        self.front = front
        self.limit = limit
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.stopTimer()
        self.front = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.stopTimer()
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = self.unwrapOutboundIn(data)
        if case .head = part { self.front?.responseBegins() }
        context.write(data, promise: promise)
        if case .end = part { self.front?.responseEnds() }
    }

    /// A response waits for its client from the time the connection is not writable until all is written.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.stopTimer()
        } else if self.timer == nil, self.isWaiting(context) {
            self.takenBytes = self.bytesTaken(context)
            self.watch(context)
        }
        context.fireChannelWritabilityChanged()
    }

    private func isWaiting(_ context: ChannelHandlerContext) -> Bool {
        !self.isStreaming && !context.channel.isWritable && self.front?.isOver == false
    }

    private func bytesTaken(_ context: ChannelHandlerContext) -> Int {
        let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return (self.front?.writtenBytes ?? 0) &- (waiting ?? 0)
    }

    private func watch(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(in: self.limit) {
            let (observer, context) = bound.value
            observer.timer = nil
            guard observer.isWaiting(context) else { return }
            let taken = observer.bytesTaken(context)
            guard taken &- observer.takenBytes >= Self.leastBytes else { return context.close(promise: nil) }
            observer.takenBytes = taken
            observer.watch(context)
        }
    }

    private func stopTimer() {
        self.timer?.cancel()
        self.timer = nil
    }
}
