// SPDX-License-Identifier: Apache-2.0

/// A 32-byte identifier of a block, a transaction or a topic. Written as `0x` and 64 lower-case digits.
package struct Hash256: Sendable, Hashable, CustomStringConvertible {
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// All zeros: the parent of the genesis block.
    package static let zero = Hash256(words: (0, 0, 0, 0))

    /// - Parameter words: Big-endian, the most significant first.
    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        (self.first, self.second, self.third, self.fourth) = words
    }

    /// Nil unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }

    /// Nil unless the text is `0x` and 64 digits of either case.
    package init?(_ text: String) {
        guard text.utf8.count == 66, let bytes = Hex.bytes(text) else { return nil }
        self.init(bytes: bytes)
    }

    package var bytes: [UInt8] {
        [self.first, self.second, self.third, self.fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(truncatingIfNeeded: 56 - $0 * 8)) }
        }
    }

    package var description: String {
        Hex.text(self.bytes)
    }
}
