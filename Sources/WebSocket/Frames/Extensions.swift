// SPDX-License-Identifier: Apache-2.0

/// What the opening handshake agreed on beyond RFC 6455 itself, as far as framing is concerned.
///
/// This is the only place that knows which reserved bits a peer may set.
package struct Extensions: Sendable, Equatable {
    /// Reserved bits a peer may set on the first frame of a message.
    package let messageBits: ReservedBits

    /// Creates the framing rules of a set of extensions.
    package init(messageBits: ReservedBits) {
        self.messageBits = messageBits
    }

    /// No extension: every reserved bit must be zero.
    package static let none = Extensions(messageBits: [])

    /// Returns the bits among `bits` that must not be set on a frame of this kind.
    ///
    /// RFC 7692 §6.1 allows RSV1 on the first frame of a message only, never on continuations or control frames.
    func forbidden(_ bits: ReservedBits, on opcode: Opcode) -> ReservedBits {
        switch opcode {
        case .text, .binary: bits.subtracting(messageBits)
        case .continuation, .close, .ping, .pong: bits
        }
    }
}
