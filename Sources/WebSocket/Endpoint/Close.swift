// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The content of a close frame, RFC 6455 §5.5.1.
package struct Close: Sendable, Hashable {
    /// Largest reason that fits a close frame in addition to the code, in bytes.
    package static let maximumReason = FrameHeader.maximumControlPayload - 2

    /// The code, ``CloseCode/noStatus`` where the frame has none.
    package let code: CloseCode
    /// A text for humans and logs, often empty.
    package let reason: String

    /// Creates the content of a close frame.
    package init(_ code: CloseCode, reason: String = "") {
        self.code = code
        self.reason = reason
    }

    /// Reads the payload of a close frame.
    init(payload: ByteBuffer) throws(Violation) {
        var payload = payload
        guard payload.readableBytes > 0 else {
            self.init(.noStatus)
            return
        }
        guard let value = payload.readInteger(as: UInt16.self) else {
            throw .closePayloadTooShort
        }
        let code = CloseCode(rawValue: value)
        guard code.isAllowedOnWire else {
            throw .closeCodeNotAllowed(code)
        }
        var validator = UTF8Validator()
        guard validator.firstFault(in: payload) == nil, validator.isComplete else {
            throw .closeReasonNotUTF8
        }
        self.init(code, reason: String(buffer: payload))
    }

    /// The payload of a close frame: empty where the code must not be on the wire, the reason cut to what fits.
    var payload: ByteBuffer {
        guard code.isAllowedOnWire else { return ByteBuffer() }
        var buffer = ByteBuffer()
        buffer.writeInteger(code.rawValue)
        let bytes = reason.utf8
        var end =
            bytes.index(bytes.startIndex, offsetBy: Self.maximumReason, limitedBy: bytes.endIndex) ?? bytes.endIndex
        // Back to the first byte of the character that does not fit whole.
        while end != bytes.endIndex, end != bytes.startIndex, bytes[end] & 0xC0 == 0x80 {
            end = bytes.index(before: end)
        }
        buffer.writeBytes(bytes[..<end])
        return buffer
    }
}
