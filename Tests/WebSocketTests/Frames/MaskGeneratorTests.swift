// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct MaskGeneratorTests {
    @Test func aSeedAlwaysGivesTheSameKeys() {
        var first = MaskGenerator(seed: 42)
        var second = MaskGenerator(seed: 42)
        let keys = (0..<100).map { _ in first.next() }
        #expect(keys == (0..<100).map { _ in second.next() })
        #expect(Set(keys).count == 100)
    }

    @Test func seedsGiveDifferentKeys() {
        let keys = (0..<100 as Range<UInt64>).map { seed in
            var generator = MaskGenerator(seed: seed)
            return generator.next()
        }
        #expect(Set(keys).count == 100)
    }

    @Test func drawnKeysAreUsedAsTheyAre() {
        var generator = MaskGenerator { 0xCAFE_F00D }
        #expect(generator.next() == MaskKey(0xCAFE_F00D))
        #expect(generator.next() == MaskKey(0xCAFE_F00D))
    }
}
