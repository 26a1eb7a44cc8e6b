// SPDX-License-Identifier: Apache-2.0

/// What a frame is, RFC 6455 §5.2.
///
/// The values not listed here are reserved and never accepted.
package enum Opcode: UInt8, Sendable, CaseIterable {
    /// A further fragment of the message under way.
    case continuation = 0x0
    /// A text message, or its first fragment.
    case text = 0x1
    /// A binary message, or its first fragment.
    case binary = 0x2
    /// Starts or answers the closing handshake.
    case close = 0x8
    /// Asks the peer for a pong.
    case ping = 0x9
    /// Answers a ping, or is sent unasked as a heartbeat.
    case pong = 0xA

    /// Whether frames of this kind may occur between the fragments of a message (RFC 6455 §5.5).
    package var isControl: Bool { rawValue & 0x8 != 0 }
}
