// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The four bytes a client XORs its payload with, RFC 6455 §5.3.
package struct MaskKey: Sendable, Hashable {
    /// The key as it is read from the wire: the most significant byte comes first.
    package let bits: UInt32

    /// Creates a key from its four bytes, the first of them being the most significant.
    package init(_ bits: UInt32) {
        self.bits = bits
    }

    /// XORs a part of the readable bytes in place.
    ///
    /// Masking and unmasking are the same operation.
    ///
    /// Where the buffer shares its storage, the storage is copied first.
    ///
    /// - Parameters:
    ///   - buffer: Holds the payload.
    ///   - offset: Where to start, counted from the first readable byte.
    ///   - position: The position of that byte in the frame's payload; it picks the byte of the key to start with.
    package func apply(to buffer: inout ByteBuffer, from offset: Int = 0, position: Int = 0) {
        apply(to: &buffer, in: offset..<buffer.readableBytes, position: position)
    }

    /// XORs a range of the readable bytes in place; see ``apply(to:from:position:)``.
    func apply(to buffer: inout ByteBuffer, in range: Range<Int>, position: Int) {
        guard !range.isEmpty else { return }
        var bytes = buffer.mutableReadableBytesSpan
        apply(to: &bytes, in: range, position: position)
    }

    private func apply(to bytes: inout MutableRawSpan, in range: Range<Int>, position: Int) {
        let word = repeated(from: position)
        let wide = SIMD4<UInt64>(repeating: word)
        var index = range.lowerBound
        while index &+ 32 <= range.upperBound {
            let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
            bytes.storeBytes(of: value ^ wide, toByteOffset: index, as: SIMD4<UInt64>.self)
            index &+= 32
        }
        while index &+ 8 <= range.upperBound {
            let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            bytes.storeBytes(of: value ^ word, toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        // Both steps above are whole multiples of four, so the tail starts with the same byte of the key.
        var rest = word.littleEndian
        while index < range.upperBound {
            let value = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            bytes.storeBytes(of: value ^ UInt8(truncatingIfNeeded: rest), toByteOffset: index, as: UInt8.self)
            rest &>>= 8
            index &+= 1
        }
    }

    /// The key twice, in memory order, starting with the byte that belongs to `position`.
    private func repeated(from position: Int) -> UInt64 {
        let shift = UInt32(truncatingIfNeeded: position & 3) &* 8
        let turned = bits &<< shift | (shift == 0 ? 0 : bits &>> (32 &- shift))
        return (UInt64(truncatingIfNeeded: turned) &<< 32 | UInt64(truncatingIfNeeded: turned)).bigEndian
    }
}

/// Where a client takes its masking keys from.
///
/// A value: nothing in this module draws randomness by itself.
package struct MaskGenerator: Sendable {
    private enum Source: Sendable {
        case counter(UInt64)
        case drawn(@Sendable () -> UInt32)
    }

    private var source: Source

    /// Creates a fast sequence that depends on `seed` alone, for tests and load generators.
    ///
    /// An observer can predict it, so it does not meet RFC 6455 §10.3: never use it towards servers of others.
    package init(seed: UInt64) {
        source = .counter(seed)
    }

    /// Creates a generator that calls `draw` once per frame; `draw` must have a strong source of entropy (RFC 6455 §5.3).
    package init(drawing draw: @escaping @Sendable () -> UInt32) {
        source = .drawn(draw)
    }

    /// Returns the key of the next frame.
    package mutating func next() -> MaskKey {
        switch source {
        case .counter(let counter):
            // SplitMix64
            let state = counter &+ 0x9E37_79B9_7F4A_7C15
            source = .counter(state)
            var mixed = (state ^ (state &>> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
            return MaskKey(UInt32(truncatingIfNeeded: (mixed ^ (mixed &>> 31)) &>> 32))
        case .drawn(let draw):
            return MaskKey(draw())
        }
    }
}
