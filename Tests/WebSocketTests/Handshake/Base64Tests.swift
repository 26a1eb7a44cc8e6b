// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct Base64Tests {
    /// The examples of RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func examplesOfTheStandard(text: String, base64: String) {
        #expect(Base64.encode(Array(text.utf8)) == base64)
    }

    @Test func everyDigitIsUsed() {
        #expect(Base64.encode([0xFB, 0xEF, 0xFF, 0x00, 0x10, 0x83]) == "++//ABCD")
    }

    @Test(arguments: [
        ("dGhlIHNhbXBsZSBub25jZQ==", true),
        ("AAAAAAAAAAAAAAAAAAAAAA==", true),
        ("", false),
        ("dGhlIHNhbXBsZSBub25jZQ=", false),
        ("dGhlIHNhbXBsZSBub25jZQ", false),
        ("dGhlIHNhbXBsZSBub25jZWE=", false),
        ("dGhlIHNhbXBsZSBub25jZWFh", false),
        ("dGhlIHNhbXBsZSBub25jZQ===", false),
        ("dGhlIHNhbXBsZSBub25j=Q==", false),
        ("dGhlIHNhbXBsZSBub25jZ-==", false),
        ("dGhlIHNhbXBsZSBub25jZ ==", false),
    ])
    func onlySixteenBytesAreSixteenBytes(text: String, isSixteenBytes: Bool) {
        #expect(Base64.isSixteenBytes(text) == isSixteenBytes)
    }

    @Test func aNonceIsSixteenBytes() {
        // The sample of RFC 6455 §1.3 decodes to "the sample nonce".
        #expect(Nonce(0x7468_6520_7361_6D70, 0x6C65_206E_6F6E_6365).key == "dGhlIHNhbXBsZSBub25jZQ==")
    }
}
