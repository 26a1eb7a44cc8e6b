// SPDX-License-Identifier: Apache-2.0

import JSON

/// Hedera's identifier of an account, a contract or a topic: `0.0.1234`.
package struct EntityID: Sendable, Hashable, CustomStringConvertible {
    package let shard: UInt32
    package let realm: UInt32
    package let number: UInt64

    package init(shard: UInt32 = 0, realm: UInt32 = 0, number: UInt64) {
        self.shard = shard
        self.realm = realm
        self.number = number
    }

    /// Nil unless the text is three whole numbers separated by dots, without leading zeros.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3,
            parts.allSatisfy({ part in
                part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                    && (part == "0" || part.first != "0")
            }),
            let shard = Int(decimal: parts[0], in: 0...Int(UInt32.max)),
            let realm = Int(decimal: parts[1], in: 0...Int(UInt32.max)),
            let number = Int(decimal: parts[2], in: .seq)
        else { return nil }
        self.init(shard: UInt32(clamping: shard), realm: UInt32(clamping: realm), number: UInt64(clamping: number))
    }

    package var description: String {
        "\(self.shard).\(self.realm).\(self.number)"
    }

    /// The long-zero EVM address of the entity: 4 bytes of shard, 8 of realm and 8 of the number.
    package var longZero: Address? {
        func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(clamping: (count - 1 - $0) * 8)) }
        }
        return Address(
            bytes: bytes(UInt64(clamping: self.shard), 4) + bytes(UInt64(clamping: self.realm), 8)
                + bytes(self.number, 8)
        )
    }
}
