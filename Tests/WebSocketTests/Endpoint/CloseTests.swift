// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct CloseTests {
    @Test func anEmptyPayloadIsCode1005() throws {
        #expect(try Close(payload: ByteBuffer()) == Close(.noStatus))
    }

    @Test func codeAndReasonAreRead() throws {
        #expect(
            try Close(payload: closePayload(4001, Array("späť".utf8)))
                == Close(CloseCode(rawValue: 4001), reason: "späť")
        )
    }

    @Test(arguments: [
        ("03", Violation.closePayloadTooShort),
        ("0000", .closeCodeNotAllowed(CloseCode(rawValue: 0))),
        ("03e7", .closeCodeNotAllowed(CloseCode(rawValue: 999))),
        ("03ec", .closeCodeNotAllowed(CloseCode(rawValue: 1004))),
        ("03ed", .closeCodeNotAllowed(.noStatus)),
        ("03ee", .closeCodeNotAllowed(.abnormal)),
        ("03f7", .closeCodeNotAllowed(CloseCode(rawValue: 1015))),
        ("0bb7", .closeCodeNotAllowed(CloseCode(rawValue: 2999))),
        ("1388", .closeCodeNotAllowed(CloseCode(rawValue: 5000))),
        ("03e8 ff", .closeReasonNotUTF8),
        ("03e8 61c3", .closeReasonNotUTF8),
    ])
    func wrongPayloadsAreRefused(hex: String, violation: Violation) {
        #expect(throws: violation) { try Close(payload: ByteBuffer(hex: hex)) }
    }

    @Test(arguments: [
        (String(repeating: "a", count: 123), 123),
        (String(repeating: "a", count: 124), 123),
        (String(repeating: "é", count: 61), 122),
        (String(repeating: "é", count: 62), 122),
        ("a" + String(repeating: "é", count: 61), 123),
        (String(repeating: "a", count: 121) + "€", 121),
        (String(repeating: "a", count: 120) + "€", 123),
        (String(repeating: "a", count: 120) + "😀", 120),
        (String(repeating: "a", count: 123) + "😀", 123),
        ("", 0),
    ])
    func reasonsAreCutBetweenCharacters(reason: String, bytes: Int) throws {
        let payload = Close(.normal, reason: reason).payload
        #expect(payload.readableBytes == bytes + 2)
        #expect(reason.utf8.starts(with: try Close(payload: payload).reason.utf8))
    }

    @Test(arguments: [CloseCode.noStatus, .abnormal, CloseCode(rawValue: 0), CloseCode(rawValue: 1015)])
    func codesThatAreNeverSentLeaveThePayloadEmpty(code: CloseCode) {
        #expect(Close(code, reason: "unseen").payload == ByteBuffer())
    }
}
