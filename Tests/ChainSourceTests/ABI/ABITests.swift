// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Testing

@Suite struct ABITests {
    private static func word(_ hex: String) -> String {
        String(repeating: "0", count: 64 - hex.utf8.count) + hex
    }

    private static let full = String(repeating: "f", count: 64)

    @Test(arguments: [
        ("uint256", Self.full, "115792089237316195423570985008687907853269984665640564039457584007913129639935"),
        ("uint256", Self.word("10000000000000000"), "18446744073709551616"),
        ("uint256", Self.word("100000000000000000000000000000000"), "340282366920938463463374607431768211456"),
        ("uint256", Self.word("8ac7230489e80000"), "10000000000000000000"),
        ("uint256", Self.word("0"), "0"),
        ("uint8", Self.word("ff"), "255"),
        ("int256", Self.full, "-1"),
        (
            "int256", "8" + String(repeating: "0", count: 63),
            "-57896044618658097711785492504343953926634992332820282019728792003956564819968"
        ),
        ("int8", Self.full, "-1"),
        ("int16", Self.word("7fff"), "32767"),
        (
            "address", Self.word("00000000000000000000000000000000000000aa"),
            "0x00000000000000000000000000000000000000aa"
        ),
        ("bytes4", "deadbeef" + String(repeating: "0", count: 56), "0xdeadbeef"),
    ])
    func wordsAreDecoded(_ type: String, _ word: String, _ value: String) throws {
        let signature = try EventSignature("E(\(type) x)")
        let data = try #require(Hex.bytes("0x" + word))
        #expect(try signature.decode(topics: [signature.topic], data: data).first?.value == .text(value))
        let indexed = try EventSignature("E(\(type) indexed x)")
        let topic = try #require(Hash256(bytes: data))
        #expect(try indexed.decode(topics: [indexed.topic, topic], data: []).first?.value == .text(value))
    }

    @Test(arguments: [
        ("uint8", Self.word("100")), ("int8", Self.word("80")), ("bool", Self.word("2")),
        ("bytes4", Self.word("1")), ("address", "01" + Self.word("0").dropFirst(2)),
        ("uint256", Self.word("1") + Self.word("1")), ("uint256", ""),
    ])
    func uncleanWordsAreRefused(_ type: String, _ data: String) throws {
        let signature = try EventSignature("E(\(type) x)")
        let bytes = try #require(Hex.bytes("0x" + data))
        #expect(throws: UndecodableLog.self) { try signature.decode(topics: [signature.topic], data: bytes) }
    }

    @Test func otherTypesAreDecoded() throws {
        let signature = try EventSignature("E(bool a, bytes b, string indexed c)")
        let data = try #require(
            Hex.bytes("0x" + Self.word("1") + Self.word("40") + Self.word("3") + "010203" + Self.word("0").dropFirst(6))
        )
        let values = try signature.decode(topics: [signature.topic, .zero], data: data)
        #expect(values.map(\.name) == ["a", "b", "c"])
        #expect(values.map(\.value) == [.bool(true), .text("0x010203"), .text(Hash256.zero.description)])
    }

    /// An ERC-721 Transfer: the same first topic, four topics and no data.
    @Test func transferOfAnotherStandardIsRefused() throws {
        let transfer = try EventSignature("Transfer(address indexed from, address indexed to, uint256 value)")
        #expect(throws: UndecodableLog.self) {
            try transfer.decode(topics: [transfer.topic, .zero, .zero, .zero], data: [])
        }
        #expect(throws: UndecodableLog.self) { try transfer.decode(topics: [], data: []) }
    }

    @Test(arguments: [
        "", "Transfer", "Transfer(", "1(address)", "A(addres)", "A(uint7)", "A(uint0)", "A(uint264)", "A(bytes33)",
        "A(uint256[])", "A((address,bool))", "A(address,)", "A(address a, bool a)", "A(address indexed b c)",
        "A(bool indexed a, bool indexed b, bool indexed c, bool indexed d)", "A(uint08)",
    ])
    func otherSignaturesAreRefused(_ text: String) {
        #expect(throws: EventSignature.Invalid.self) { try EventSignature(text) }
    }

    @Test(arguments: [
        ("1500", 3, "1.5"), ("1000", 3, "1"), ("5", 3, "0.005"), ("0", 18, "0"), ("-1500", 3, "-1.5"), ("42", 0, "42"),
    ])
    func amountsAreScaled(_ digits: String, _ places: Int, _ amount: String) {
        #expect(BigNumber.scaled(digits, places: places) == amount)
    }

    @Test(arguments: [("0x0", 0), ("0x00ff", 255), ("0xFF", 255), ("0x7fffffffffffffff", Int.max)])
    func quantitiesAreRead(_ text: String, _ value: Int) {
        #expect(Hex.integer(text, in: 0...Int.max) == value)
    }

    @Test(arguments: ["", "0x", "12", "0xg", "0x8000000000000000", "0xffffffffffffffffffff"])
    func otherQuantitiesAreRefused(_ text: String) {
        #expect(Hex.integer(text, in: 0...Int.max) == nil)
    }
}
