// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WebSocket

/// Sends every message back as it came.
///
/// One per connection, on its event loop.
final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Whatever the suite asks for.
    private static let policy = DeflatePolicy(serverTakeover: true, clientTakeover: true)
    /// Every message that can be compressed is, to have the suite see it.
    private static let sizes = Deflation.Sizes(least: 1, most: .max)

    private enum State {
        /// Waiting for the opening handshake. → `open`, `finishing`
        case opening(ServerHandshake)
        /// Echoing. → `finishing`
        case open
        /// The last bytes are written; waiting for the peer to close, so that no reset overtakes them. Final.
        case finishing
    }

    private var state = State.opening(ServerHandshake())
    private let limits: Endpoint.Limits
    private let pool: DeflatePool
    private var endpoint: Endpoint
    private var output = ByteBuffer()

    init(limits: Endpoint.Limits, pool: DeflatePool) {
        self.limits = limits
        self.pool = pool
        endpoint = Endpoint(role: .server, limits: limits)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch state {
        case .opening(var handshake):
            let answer = handshake.receive(bytes)
            state = .opening(handshake)
            perform(answer, context)
        case .open:
            endpoint.receive(bytes)
            drain(context)
        case .finishing:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func perform(_ answer: ServerHandshake.OnBytes, _ context: ChannelHandlerContext) {
        switch answer {
        case .needMore:
            break
        case .accepted(let request, let rest):
            let agreed = Self.policy.answer(request.extensions)
            output.writeImmutableBuffer(request.accept(extensions: agreed?.element))
            if let agreed {
                let compression = Compression(agreed, side: .server, pool: pool, sizes: Self.sizes)
                endpoint = Endpoint(role: .server, limits: limits, compression: compression)
            }
            state = .open
            endpoint.receive(rest)
            drain(context)
        case .notWebSocket:
            finish(Refusal.upgradeRequired.response, context)
        case .refused(let refusal):
            finish(refusal.response, context)
        }
    }

    private func drain(_ context: ChannelHandlerContext) {
        while let event = endpoint.next() {
            switch event {
            case .text(let payload): endpoint.write(text: payload, into: &output)
            case .binary(let payload): endpoint.write(binary: payload, into: &output)
            case .ping(_, let pong): output.writeImmutableBuffer(pong)
            case .pong: break
            case .closed(_, let reply), .failed(_, let reply): finish(reply, context)
            }
        }
    }

    private func finish(_ last: ByteBuffer?, _ context: ChannelHandlerContext) {
        state = .finishing
        if let last {
            output.writeImmutableBuffer(last)
        }
        flush(context)
        // Our half first: closing both with bytes unread would reset the connection and could eat the close frame.
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard output.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        output = ByteBuffer()
    }
}
