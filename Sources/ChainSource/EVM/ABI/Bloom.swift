// SPDX-License-Identifier: Apache-2.0

/// The 2048-bit filter in a block header, over the addresses and topics of all its logs (yellow paper, 4.3.1).
package struct Bloom: Sendable, Equatable {
    package private(set) var bytes: [UInt8]

    /// Empty filter.
    package init() {
        self.bytes = [UInt8](repeating: 0, count: 256)
    }

    /// Nil unless there are exactly 256 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 256 else { return nil }
        self.bytes = bytes
    }

    /// Adds an address or a topic.
    package mutating func insert(_ value: some Sequence<UInt8>) {
        for (index, bit) in Self.bits(value) { self.bytes[index] |= bit }
    }

    /// False when it is certain that no log has this address or topic.
    package func mayContain(_ value: some Sequence<UInt8>) -> Bool {
        Self.bits(value).allSatisfy { self.bytes[$0.index] & $0.bit != 0 }
    }

    private static func bits(_ value: some Sequence<UInt8>) -> [(index: Int, bit: UInt8)] {
        let hash = Keccak256.digest(value).bytes
        return [0, 2, 4].map { place in
            let number = (Int(truncatingIfNeeded: hash[place]) << 8 | Int(truncatingIfNeeded: hash[place + 1])) & 2047
            return (255 - number / 8, 1 << UInt8(truncatingIfNeeded: number % 8))
        }
    }
}
