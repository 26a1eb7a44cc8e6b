// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Everything in a frame but its payload, RFC 6455 §5.2.
package struct FrameHeader: Sendable, Hashable {
    /// Largest payload of a control frame, in bytes (RFC 6455 §5.5).
    package static let maximumControlPayload = 125

    /// What the frame is.
    package var opcode: Opcode
    /// Whether it is the last frame of its message.
    package var isFinal: Bool
    /// The bits that belong to extensions.
    package var reservedBits: ReservedBits
    /// The key the payload is masked with: present from a client, absent from a server.
    package var mask: MaskKey?
    /// Payload length in bytes.
    package var payloadLength: Int

    /// Creates a header.
    package init(
        _ opcode: Opcode,
        payloadLength: Int,
        mask: MaskKey? = nil,
        isFinal: Bool = true,
        reservedBits: ReservedBits = []
    ) {
        self.opcode = opcode
        self.isFinal = isFinal
        self.reservedBits = reservedBits
        self.mask = mask
        self.payloadLength = payloadLength
    }

    /// How many bytes ``write(to:)`` appends: 2 to 14.
    package var encodedLength: Int {
        let length =
            switch payloadLength {
            case ...125: 2
            case ...0xFFFF: 4
            default: 10
            }
        return mask == nil ? length : length + 4
    }

    /// Appends the header to `buffer`, in the shortest form its length allows.
    package func write(to buffer: inout ByteBuffer) {
        let first = (isFinal ? 0x80 : 0) | reservedBits.rawValue | opcode.rawValue
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch payloadLength {
        case ...125:
            buffer.writeMultipleIntegers(first, maskBit | UInt8(truncatingIfNeeded: payloadLength))
        case ...0xFFFF:
            buffer.writeMultipleIntegers(first, maskBit | 126, UInt16(truncatingIfNeeded: payloadLength))
        default:
            buffer.writeMultipleIntegers(first, maskBit | 127, UInt64(truncatingIfNeeded: payloadLength))
        }
        if let mask {
            buffer.writeInteger(mask.bits)
        }
    }

    /// The header alone, to be sent before a payload that is shared by many receivers.
    package var bytes: ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: encodedLength)
        write(to: &buffer)
        return buffer
    }
}

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

/// The three bits of a frame header that only extensions may use, as they lie in its first byte (RFC 6455 §5.2).
package struct ReservedBits: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue & 0x70
    }

    /// Marks a compressed message where permessage-deflate was negotiated (RFC 7692 §6).
    package static let rsv1 = ReservedBits(rawValue: 0x40)
    /// Used by no registered extension.
    package static let rsv2 = ReservedBits(rawValue: 0x20)
    /// Used by no registered extension.
    package static let rsv3 = ReservedBits(rawValue: 0x10)
}
