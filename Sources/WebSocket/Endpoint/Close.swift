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

/// Why a connection was closed, RFC 6455 §7.4 and the IANA registry it started.
package struct CloseCode: RawRepresentable, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// 1000: the purpose is fulfilled.
    package static let normal = CloseCode(rawValue: 1000)
    /// 1001: the server goes down or the user left the page.
    package static let goingAway = CloseCode(rawValue: 1001)
    /// 1002: the peer broke RFC 6455.
    package static let protocolError = CloseCode(rawValue: 1002)
    /// 1003: a kind of data this endpoint does not take.
    package static let unsupportedData = CloseCode(rawValue: 1003)
    /// 1005: means a close frame without a code.
    ///
    /// Never on the wire.
    package static let noStatus = CloseCode(rawValue: 1005)
    /// 1006: means an end without a close frame.
    ///
    /// Never on the wire.
    package static let abnormal = CloseCode(rawValue: 1006)
    /// 1007: the data do not fit the kind of the message, as text that is not UTF-8.
    package static let invalidPayload = CloseCode(rawValue: 1007)
    /// 1008: the peer broke a rule of the application.
    package static let policyViolation = CloseCode(rawValue: 1008)
    /// 1009: larger than this endpoint takes.
    package static let messageTooBig = CloseCode(rawValue: 1009)
    /// 1010: a client needed an extension the server did not agree to.
    package static let mandatoryExtension = CloseCode(rawValue: 1010)
    /// 1011: the server met something unexpected.
    package static let internalError = CloseCode(rawValue: 1011)
    /// 1012: the service restarts; come back.
    package static let serviceRestart = CloseCode(rawValue: 1012)
    /// 1013: overloaded; come back later.
    package static let tryAgainLater = CloseCode(rawValue: 1013)
    /// 1014: a gateway got a bad answer from the server behind it.
    package static let badGateway = CloseCode(rawValue: 1014)

    /// Whether a close frame may carry the code.
    ///
    /// RFC 6455 §7.4.2 leaves 0–999 unused, 1000–2999 to the protocol and its registry, 3000–3999 to libraries and
    /// 4000–4999 to applications. Of the registry, 1004 is reserved and 1005, 1006 and 1015 are never sent.
    package var isAllowedOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension CloseCode: CustomStringConvertible {
    package var description: String { String(rawValue) }
}
