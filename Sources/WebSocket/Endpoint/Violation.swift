// SPDX-License-Identifier: Apache-2.0

/// How a peer broke the protocol or a limit.
///
/// Always the end of the connection.
package enum Violation: Error, Hashable {
    /// Bits that no negotiated extension gave a meaning (RFC 6455 §5.2).
    case reservedBits(ReservedBits)
    /// An opcode of 3–7 or 11–15 (RFC 6455 §5.2).
    case reservedOpcode(UInt8)
    /// A client sent a frame without a mask (RFC 6455 §5.1).
    case unmaskedFrame
    /// A server sent a frame with a mask (RFC 6455 §5.1).
    case maskedFrame
    /// A length that fits fewer bytes than it was spelled in (RFC 6455 §5.2).
    case lengthNotMinimal(UInt64, bytes: Int)
    /// A length of more than 63 bits (RFC 6455 §5.2).
    case lengthTopBitSet(UInt64)
    /// A control frame with an extended length (RFC 6455 §5.5).
    case controlFrameTooLong(Opcode)
    /// A control frame that is not final (RFC 6455 §5.5).
    case controlFrameFragmented(Opcode)
    /// A continuation where no message was under way (RFC 6455 §5.4).
    case unexpectedContinuation
    /// A new message before the last was finished (RFC 6455 §5.4).
    case messageInterrupted(by: Opcode)
    /// One frame exceeds ``Endpoint/Limits/frameBytes`` (RFC 6455 §10.4).
    case frameTooLarge(bytes: UInt64, limit: Int)
    /// The frames of a message add up to more than ``Endpoint/Limits/messageBytes`` (RFC 6455 §10.4).
    case messageTooLarge(bytes: Int, limit: Int)
    /// A message in more frames than ``Endpoint/Limits/fragments``.
    case tooManyFragments(limit: Int)
    /// A text message that is not UTF-8 at this byte (RFC 6455 §8.1).
    case textNotUTF8(offset: Int)
    /// A text message that ends inside a character (RFC 6455 §8.1).
    case textEndsInsideCharacter
    /// A compressed message that is not DEFLATE data (RFC 7692 §7.2.2).
    case compressedDataInvalid
    /// A compressed message while memory is too short for a decompressor.
    case decompressorMissing
    /// A close frame of one byte (RFC 6455 §5.5.1).
    case closePayloadTooShort
    /// A close frame with a code that must not be sent (RFC 6455 §7.4).
    case closeCodeNotAllowed(CloseCode)
    /// A close frame whose reason is not UTF-8 (RFC 6455 §5.5.1).
    case closeReasonNotUTF8

    /// The reason that the peer receives.
    ///
    /// The one place that maps violations to codes.
    package var closeCode: CloseCode {
        switch self {
        case .reservedBits, .reservedOpcode, .unmaskedFrame, .maskedFrame, .lengthNotMinimal, .lengthTopBitSet,
            .controlFrameTooLong, .controlFrameFragmented, .unexpectedContinuation, .messageInterrupted,
            .closePayloadTooShort, .closeCodeNotAllowed:
            .protocolError
        // RFC 7692 names no code for data that cannot be decompressed; the data do not fit what RSV1 says of them.
        case .textNotUTF8, .textEndsInsideCharacter, .closeReasonNotUTF8, .compressedDataInvalid:
            .invalidPayload
        case .frameTooLarge, .messageTooLarge:
            .messageTooBig
        case .tooManyFragments:
            .policyViolation
        case .decompressorMissing:
            .internalError
        }
    }
}

extension Violation: CustomStringConvertible {
    /// One line for the close reason and for logs.
    ///
    /// Contains numbers of the peer's, never its data.
    package var description: String {
        switch self {
        case .reservedBits(let bits):
            "reserved bits 0b\(String(bits.rawValue >> 4, radix: 2)) set without an extension"
        case .reservedOpcode(let value): "reserved opcode \(value)"
        case .unmaskedFrame: "frame from a client is not masked"
        case .maskedFrame: "frame from a server is masked"
        case .lengthNotMinimal(let length, let bytes): "length \(length) spelled in \(bytes) bytes"
        case .lengthTopBitSet(let length): "length \(length) exceeds 63 bits"
        case .controlFrameTooLong(let opcode):
            "\(opcode) frame exceeds \(FrameHeader.maximumControlPayload) bytes"
        case .controlFrameFragmented(let opcode): "\(opcode) frame is fragmented"
        case .unexpectedContinuation: "continuation without a message under way"
        case .messageInterrupted(let opcode): "\(opcode) frame inside a fragmented message"
        case .frameTooLarge(let bytes, let limit): "frame of \(bytes) bytes, limit \(limit)"
        case .messageTooLarge(let bytes, let limit): "message of at least \(bytes) bytes, limit \(limit)"
        case .tooManyFragments(let limit): "message of more than \(limit) fragments"
        case .textNotUTF8(let offset): "text is not UTF-8 at byte \(offset)"
        case .textEndsInsideCharacter: "text ends inside a UTF-8 character"
        case .compressedDataInvalid: "compressed data is not valid DEFLATE"
        case .decompressorMissing: "no memory to decompress with"
        case .closePayloadTooShort: "close frame of 1 byte"
        case .closeCodeNotAllowed(let code): "close code \(code) is not allowed"
        case .closeReasonNotUTF8: "close reason is not UTF-8"
        }
    }
}
