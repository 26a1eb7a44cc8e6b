// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension Endpoint {
    /// What came out of the bytes of the peer.
    ///
    /// Buffers may share storage with the bytes received: copy what is kept for long.
    package enum Event: Sendable, Hashable {
        /// A text message; its payload is UTF-8.
        case text(ByteBuffer)
        /// A binary message.
        case binary(ByteBuffer)
        /// A ping. Write `pong` as it is: it is the whole answer (RFC 6455 §5.5.3).
        case ping(ByteBuffer, pong: ByteBuffer)
        /// An answer to a ping of ours, or a heartbeat nobody asked for.
        case pong(ByteBuffer)
        /// The closing handshake is complete once `reply` is written; it is `nil` where our close frame was first.
        ///
        /// A server then closes the TCP connection, a client waits for that (RFC 6455 §7.1.1). No event follows.
        case closed(Close, reply: ByteBuffer?)
        /// The peer broke the rules. Write `reply`, if there is one, and close the TCP connection without waiting
        /// for an answer (RFC 6455 §7.1.7). No event follows.
        case failed(Violation, reply: ByteBuffer?)
    }
}
