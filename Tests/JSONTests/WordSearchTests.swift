// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import JSON

/// The searches by words against searches by bytes, at every length and alignment.
@Suite
struct WordSearchTests {
    static let bytes: [UInt8] = [0, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0xFF]

    @Test(arguments: bytes)
    func byteIsFoundAtEveryPlace(_ byte: UInt8) {
        var differences: [String] = []
        for fill in [UInt8(ascii: "a"), 0x20, 0x7F] {
            for place in 0..<30 {
                var text = [UInt8](repeating: fill, count: 30)
                text[place] = byte
                for start in 0..<9 {
                    for end in start...start + 20 { differences += difference(text, start..<end) }
                }
            }
        }
        #expect(differences == [])
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func mixedBytesAreFound(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        let text = (0..<30).map { _ in Self.bytes.randomElement(using: &random) ?? 0 }
        var differences: [String] = []
        for start in 0..<text.count {
            for end in start...text.count { differences += difference(text, start..<end) }
        }
        #expect(differences == [])
    }

    private func difference(_ text: [UInt8], _ range: Range<Int>) -> [String] {
        let found = [
            text.span.pastText(from: range.lowerBound, before: range.upperBound),
            text.span.pastUnescapedText(from: range.lowerBound, before: range.upperBound),
            text.span.pastPlainText(from: range.lowerBound, before: range.upperBound),
        ]
        let isEnd: (UInt8) -> Bool = { $0 == 0x22 || $0 == 0x5C }
        let expected = [
            text[range].firstIndex { isEnd($0) } ?? range.upperBound,
            text[range].firstIndex { isEnd($0) || $0 < 0x20 } ?? range.upperBound,
            text[range].firstIndex { isEnd($0) || $0 < 0x20 || $0 >= 0x80 } ?? range.upperBound,
        ]
        return found == expected ? [] : ["\(text) \(range): \(found), not \(expected)"]
    }
}
