// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Keeps a listening socket accepting when the system has no descriptor or memory for a connection: the spare descriptor
/// is given up for the next one, which is told why; and where that is not enough, a pause keeps the loop for its other
/// connections.
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
        // It goes on when the pause is over.
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
