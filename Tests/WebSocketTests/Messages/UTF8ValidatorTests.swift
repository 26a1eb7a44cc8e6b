// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import WebSocket

@Suite struct UTF8ValidatorTests {
    /// Offset of the first byte after which no valid text can follow, the slow way: by trying to complete each prefix.
    private func reference(_ bytes: [UInt8]) -> Int? {
        let completions: [[UInt8]] = [0x80, 0x90, 0x9F, 0xA0].flatMap { (second: UInt8) -> [[UInt8]] in
            [[second], [second, 0x80], [second, 0x80, 0x80]]
        }
        return bytes.indices.first { end in
            // A character has four bytes: what is further back was validated before.
            let prefix = bytes[...end]
            return !([[]] + completions).contains { String(validating: prefix + $0, as: UTF8.self) != nil }
        }
    }

    private func fault(_ bytes: [UInt8]) -> (offset: Int?, isComplete: Bool) {
        var validator = UTF8Validator()
        return (validator.firstFault(in: ByteBuffer(bytes: bytes)), validator.isComplete)
    }

    @Test(arguments: [
        "", "a", "κόσμε", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{FFFF}",
        "\u{10000}", "\u{10FFFF}", "Hello-µ@ßöäüàá-UTF-8!!", "漢字😀 mixed with thirty-two ASCII bytes in a row 漢字😀",
    ])
    func textIsAccepted(text: String) {
        #expect(fault(Array(text.utf8)) == (nil, true))
    }

    @Test(arguments: [
        ("80", 0), ("bf", 0), ("c0", 0), ("c1 bf", 0), ("c2 00", 1), ("c2 c2", 1), ("df 7f", 1), ("e0 80", 1),
        ("e0 9f bf", 1), ("e1 80 00", 2), ("e2 28", 1), ("ed a0 80", 1), ("ed bf", 1), ("ef bf c0", 2), ("f0 80", 1),
        ("f0 8f bf bf", 1), ("f1 80 80 00", 3), ("f4 90 80 80", 1), ("f5", 0), ("f8 88", 0), ("fc", 0), ("fe", 0),
        ("ff", 0), ("61 62 ff", 2), ("cebae1bdb9cf83cebcceb5 f4908080 656469746564", 12),
        ("cebae1bdb9cf83cebcceb5 eda080 656469746564", 12),
    ])
    func theFirstWrongByteIsFound(hex: String, offset: Int) {
        let bytes = ByteBuffer(hex: hex).array
        #expect(fault(bytes).offset == offset)
        #expect(reference(bytes) == offset)
    }

    @Test(arguments: ["c2", "e0 a0", "e1", "ed 9f", "f0 90 80", "f4 8f", "61 f1"])
    func aTextMayNotEndInsideACharacter(hex: String) {
        #expect(fault(ByteBuffer(hex: hex).array) == (nil, false))
    }

    @Test func everyPairOfBytesAgreesWithTheReference() {
        let wrongPairs = (0...0xFFFF).filter { pair in
            let bytes = [UInt8(pair >> 8), UInt8(pair & 0xFF)]
            return (fault(bytes) == (nil, true)) != (String(validating: bytes, as: UTF8.self) != nil)
        }
        #expect(wrongPairs == [])
    }

    @Test(arguments: 0..<100)
    func aWrongByteIsFoundAtEveryPlaceInASCII(place: Int) {
        var bytes = [UInt8](repeating: 0x61, count: 100)
        bytes[place] = 0xFF
        #expect(fault(bytes).offset == place)
        #expect(fault(Array(bytes[..<place])) == (nil, true))
    }

    /// Bytes drawn so that most sequences are valid for a while.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func randomBytesAgreeWithTheReference(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let characters: [[UInt8]] = [
            [0x61], Array("abcdefgh".utf8), [0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0xF0, 0x9F, 0x98, 0x80],
            [0xED, 0x9F, 0xBF],
        ]
        var bytes: [UInt8] = []
        while bytes.count < 60 {
            bytes += characters.randomElement(using: &generator) ?? []
        }
        if seed % 4 != 0 {
            bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0x80...0xFF, using: &generator)
        }
        let expected = reference(bytes)
        #expect(fault(bytes).offset == expected)
        for cut in bytes.indices where expected.map({ cut <= $0 }) ?? true {
            var validator = UTF8Validator()
            #expect(validator.firstFault(in: ByteBuffer(bytes: bytes[..<cut])) == nil)
            #expect(validator.firstFault(in: ByteBuffer(bytes: bytes), from: cut) == expected)
        }
    }
}
