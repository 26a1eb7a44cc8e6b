// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct AcceptKeyTests {
    @Test(arguments: [
        // RFC 6455 §1.3
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
    ])
    func keysAreAnswered(key: String, answer: String) {
        #expect(AcceptKey.answer(to: key) == answer)
    }
}
