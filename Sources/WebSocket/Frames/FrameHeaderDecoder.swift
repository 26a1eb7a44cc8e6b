// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Reads frame headers and validates them as early as their bytes allow: a header that is wrong in its first byte is
/// refused when that byte is there, and no payload is waited for.
///
/// Validates each frame alone. What a frame means after the one before it is for ``MessageAssembly``.
package struct FrameHeaderDecoder: Sendable {
    /// Who sends the frames: only clients mask.
    package enum Sender: Sendable {
        case client, server
    }

    private let sender: Sender
    private let extensions: Extensions
    private let maximumPayload: Int

    /// Creates a decoder of what `sender` sends, with frames of up to `maximumPayload` bytes.
    package init(from sender: Sender, extensions: Extensions = .none, maximumPayload: Int) {
        self.sender = sender
        self.extensions = extensions
        self.maximumPayload = maximumPayload
    }

    /// Takes a header off the front of `buffer`.
    ///
    /// Returns `nil`, and takes nothing, while it is incomplete.
    package func next(from buffer: inout ByteBuffer) throws(Violation) -> FrameHeader? {
        let start = buffer.readerIndex
        guard let first = buffer.getInteger(at: start, as: UInt8.self) else { return nil }
        let bits = ReservedBits(rawValue: first)
        guard let opcode = Opcode(rawValue: first & 0x0F) else {
            throw .reservedOpcode(first & 0x0F)
        }
        let forbidden = extensions.forbidden(bits, on: opcode)
        guard forbidden.isEmpty else {
            throw .reservedBits(forbidden)
        }
        let isFinal = first & 0x80 != 0
        guard isFinal || !opcode.isControl else {
            throw .controlFrameFragmented(opcode)
        }

        guard let second = buffer.getInteger(at: start + 1, as: UInt8.self) else { return nil }
        let isMasked = second & 0x80 != 0
        switch sender {
        case .client: guard isMasked else { throw .unmaskedFrame }
        case .server: guard !isMasked else { throw .maskedFrame }
        }
        guard second & 0x7F <= 125 || !opcode.isControl else {
            throw .controlFrameTooLong(opcode)
        }

        guard let (length, lengthBytes) = try payloadLength(second & 0x7F, at: start + 2, in: buffer) else {
            return nil
        }
        var header = FrameHeader(opcode, payloadLength: length, isFinal: isFinal, reservedBits: bits)
        var size = 2 + lengthBytes
        if isMasked {
            guard let key = buffer.getInteger(at: start + size, as: UInt32.self) else { return nil }
            header.mask = MaskKey(key)
            size += 4
        }
        buffer.moveReaderIndex(forwardBy: size)
        return header
    }

    /// Returns the payload length and how many bytes spelled it after the second byte of the header.
    private func payloadLength(
        _ short: UInt8,
        at index: Int,
        in buffer: ByteBuffer
    ) throws(Violation) -> (length: Int, bytes: Int)? {
        let length: UInt64
        let bytes: Int
        switch short {
        case 126:
            guard let value = buffer.getInteger(at: index, as: UInt16.self) else { return nil }
            // RFC 6455 §5.2: "in all cases, the minimal number of bytes MUST be used to encode the length"
            guard value > 125 else { throw .lengthNotMinimal(UInt64(clamping: value), bytes: 2) }
            (length, bytes) = (UInt64(clamping: value), 2)
        case 127:
            guard let value = buffer.getInteger(at: index, as: UInt64.self) else { return nil }
            // RFC 6455 §5.2: "the most significant bit MUST be 0"
            guard value >> 63 == 0 else { throw .lengthTopBitSet(value) }
            guard value > 0xFFFF else { throw .lengthNotMinimal(value, bytes: 8) }
            (length, bytes) = (value, 8)
        default:
            (length, bytes) = (UInt64(clamping: short), 0)
        }
        guard length <= UInt64(clamping: maximumPayload) else {
            throw .frameTooLarge(bytes: length, limit: maximumPayload)
        }
        return (Int(clamping: length), bytes)
    }
}
