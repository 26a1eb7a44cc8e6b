// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Keeps a listening socket accepting when there is no descriptor or memory for a connection. It releases the spare
/// descriptor, so that the next connection can be accepted and refused with 503. If that is not enough, accepting
/// pauses, so that the loop serves its other connections.
final class AcceptGuard: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(50)

    private let descriptors: Descriptors
    private var pause: Scheduled<Void>?

    init(_ descriptors: Descriptors) {
        self.descriptors = descriptors
    }

    func read(context: ChannelHandlerContext) {
        // Accepting continues when the pause is over.
        if self.pause == nil { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        let isTable = error.errnoCode == EMFILE || error.errnoCode == ENFILE
        guard self.pause == nil, !isTable || !self.descriptors.giveUpSpare() else { return }
        self.descriptors.refusing()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.pause = context.eventLoop.scheduleTask(in: Self.pause) {
            let (handler, context) = bound.value
            handler.pause = nil
            context.read()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.pause?.cancel()
        self.pause = nil
        context.fireChannelInactive()
    }
}
