// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct ViolationTests {
    @Test(arguments: [
        (
            Violation.reservedBits([.rsv1, .rsv3]), CloseCode.protocolError,
            "reserved bits 0b101 set without an extension"
        ),
        (.reservedOpcode(11), .protocolError, "reserved opcode 11"),
        (.unmaskedFrame, .protocolError, "frame from a client is not masked"),
        (.maskedFrame, .protocolError, "frame from a server is masked"),
        (.lengthNotMinimal(5, bytes: 8), .protocolError, "length 5 spelled in 8 bytes"),
        (.lengthTopBitSet(1 << 63), .protocolError, "length 9223372036854775808 exceeds 63 bits"),
        (.controlFrameTooLong(.ping), .protocolError, "ping frame exceeds 125 bytes"),
        (.controlFrameFragmented(.pong), .protocolError, "pong frame is fragmented"),
        (.unexpectedContinuation, .protocolError, "continuation without a message under way"),
        (.messageInterrupted(by: .text), .protocolError, "text frame inside a fragmented message"),
        (.closePayloadTooShort, .protocolError, "close frame of 1 byte"),
        (.closeCodeNotAllowed(.abnormal), .protocolError, "close code 1006 is not allowed"),
        (.textNotUTF8(offset: 3), .invalidPayload, "text is not UTF-8 at byte 3"),
        (.textEndsInsideCharacter, .invalidPayload, "text ends inside a UTF-8 character"),
        (.closeReasonNotUTF8, .invalidPayload, "close reason is not UTF-8"),
        (.frameTooLarge(bytes: 9, limit: 8), .messageTooBig, "frame of 9 bytes, limit 8"),
        (.messageTooLarge(bytes: 9, limit: 8), .messageTooBig, "message of at least 9 bytes, limit 8"),
        (.tooManyFragments(limit: 8), .policyViolation, "message of more than 8 fragments"),
    ])
    func eachHasItsCodeAndMessage(violation: Violation, code: CloseCode, message: String) {
        #expect(violation.closeCode == code)
        #expect(violation.description == message)
        #expect(message.utf8.count <= Close.maximumReason)
    }
}
