// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import WebSocket

@Suite struct MaskKeyTests {
    private let key = MaskKey(0x1A2B_3C4D)

    /// RFC 6455 §5.3, byte by byte.
    private func reference(_ bytes: [UInt8], position: Int) -> [UInt8] {
        let key: [UInt8] = [0x1A, 0x2B, 0x3C, 0x4D]
        return bytes.enumerated().map { $1 ^ key[($0 + position) % 4] }
    }

    @Test(arguments: 0..<33, 0..<9)
    func everyLengthAlignmentAndPositionAgreesWithTheReference(alignment: Int, position: Int) {
        var generator = SplitMix(seed: 7)
        let source = generator.bytes(340)
        let wrongLengths = (0...300).filter { length in
            var buffer = ByteBuffer(bytes: source[..<(alignment + length)])
            buffer.moveReaderIndex(forwardBy: alignment)
            key.apply(to: &buffer, position: position)
            return buffer.array != reference(Array(source[alignment..<(alignment + length)]), position: position)
        }
        #expect(wrongLengths == [])
    }

    @Test(arguments: 0..<40, [0, 1, 7, 8, 31, 32, 33, 100])
    func aRangeLeavesTheRestAlone(lower: Int, count: Int) {
        var generator = SplitMix(seed: 9)
        let source = generator.bytes(200)
        var buffer = ByteBuffer(bytes: source)
        key.apply(to: &buffer, in: lower..<(lower + count), position: 0)
        #expect(buffer.array[..<lower] == source[..<lower])
        let range = lower..<(lower + count)
        #expect(Array(buffer.array[range]) == reference(Array(source[range]), position: 0))
        #expect(buffer.array[(lower + count)...] == source[(lower + count)...])
    }

    @Test(arguments: 0...64)
    func piecesGiveTheSameAsTheWhole(cut: Int) {
        var generator = SplitMix(seed: 8)
        let source = generator.bytes(64)
        var first = ByteBuffer(bytes: source[..<cut])
        var second = ByteBuffer(bytes: source[cut...])
        key.apply(to: &first)
        key.apply(to: &second, position: cut)
        #expect(first.array + second.array == reference(source, position: 0))
    }

    @Test func sharedStorageIsLeftAlone() {
        let original = ByteBuffer(string: "untouched")
        var copy = original
        key.apply(to: &copy)
        #expect(original.text == "untouched")
        #expect(copy != original)
    }
}
