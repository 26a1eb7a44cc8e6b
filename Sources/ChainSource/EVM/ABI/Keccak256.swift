// SPDX-License-Identifier: Apache-2.0

/// Keccak-256 as used by Ethereum: the sponge of FIPS 202 with the padding of the original submission (0x01), so
/// digests differ from SHA3-256.
package enum Keccak256 {
    /// Bytes absorbed per permutation.
    private static let rate = 136

    /// The 32 bytes of the digest.
    package static func digest(_ bytes: some Sequence<UInt8>) -> Hash256 {
        // The state of 25 words, and five scratch words.
        var state = [UInt64](repeating: 0, count: 30)
        var position = 0
        for byte in bytes {
            state[position >> 3] ^= UInt64(byte) << UInt64(truncatingIfNeeded: (position & 7) * 8)
            position += 1
            if position == Self.rate {
                Self.permute(&state)
                position = 0
            }
        }
        state[position >> 3] ^= 0x01 << UInt64(truncatingIfNeeded: (position & 7) * 8)
        state[(Self.rate - 1) >> 3] ^= 0x80 << 56
        Self.permute(&state)
        return Hash256(
            words: (state[0].byteSwapped, state[1].byteSwapped, state[2].byteSwapped, state[3].byteSwapped)
        )
    }

    /// Keccak-f[1600].
    private static func permute(_ state: inout [UInt64]) {
        var span = state.mutableSpan
        for constant in Self.roundConstants {
            for x in 0..<5 {
                span[25 + x] = span[x] ^ span[x + 5] ^ span[x + 10] ^ span[x + 15] ^ span[x + 20]
            }
            for x in 0..<5 {
                let mixed = span[25 + (x + 4) % 5] ^ Self.rotate(span[25 + (x + 1) % 5], by: 1)
                for y in stride(from: 0, to: 25, by: 5) { span[x + y] ^= mixed }
            }
            var carried = span[1]
            for step in 0..<24 {
                let place = Self.places[step]
                let next = span[place]
                span[place] = Self.rotate(carried, by: Self.rotations[step])
                carried = next
            }
            for y in stride(from: 0, to: 25, by: 5) {
                for x in 0..<5 { span[25 + x] = span[x + y] }
                for x in 0..<5 {
                    span[x + y] = span[25 + x] ^ (~span[25 + (x + 1) % 5] & span[25 + (x + 2) % 5])
                }
            }
            span[0] ^= constant
        }
    }

    private static func rotate(_ value: UInt64, by count: UInt64) -> UInt64 {
        value &<< count | value &>> (64 - count)
    }

    private static let places = [
        10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
    ]
    private static let rotations: [UInt64] = [
        1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
    ]
    private static let roundConstants: [UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808A, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808B, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008A, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000A,
        0x0000_0000_8000_808B, 0x8000_0000_0000_008B, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800A, 0x8000_0000_8000_000A,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]
}
