// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Checks UTF-8 that arrives in pieces and finds the first byte no valid text could have there (RFC 3629 §4).
///
/// Overlong forms, surrogates and code points beyond U+10FFFF are refused at their second byte, not at their last.
package struct UTF8Validator: Sendable, Equatable {
    /// How many bytes the character under way still needs.
    private var owed: UInt8 = 0
    /// Least value of the next of them.
    private var lower: UInt8 = 0x80
    /// Greatest value of the next of them.
    private var upper: UInt8 = 0xBF

    /// Creates a validator at the start of a text.
    package init() {}

    /// Whether the bytes so far end with a whole character.
    package var isComplete: Bool { owed == 0 }

    /// Takes the next bytes of the text.
    ///
    /// Returns the offset of the first that is wrong, `nil` if none is.
    ///
    /// After a fault the validator is of no further use.
    package mutating func firstFault(in buffer: ByteBuffer, from offset: Int = 0) -> Int? {
        let bytes = buffer.readableBytesSpan
        var index = offset
        while index < bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            guard accept(byte) else { return index }
            index &+= 1
            if byte < 0x80 {
                index = Self.endOfASCII(in: bytes, from: index)
            }
        }
        return nil
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        guard owed == 0 else {
            guard byte >= lower, byte <= upper else { return false }
            owed &-= 1
            (lower, upper) = (0x80, 0xBF)
            return true
        }
        // The table of RFC 3629 §4: the second byte has a narrower range after E0, ED, F0 and F4.
        switch byte {
        case 0x00...0x7F: break
        case 0xC2...0xDF: owed = 1
        case 0xE0: (owed, lower) = (2, 0xA0)
        case 0xED: (owed, upper) = (2, 0x9F)
        case 0xE1...0xEF: owed = 2
        case 0xF0: (owed, lower) = (3, 0x90)
        case 0xF1...0xF3: owed = 3
        case 0xF4: (owed, upper) = (3, 0x8F)
        default: return false
        }
        return true
    }

    private static func endOfASCII(in bytes: RawSpan, from start: Int) -> Int {
        let high: UInt64 = 0x8080_8080_8080_8080
        var index = start
        while index &+ 32 <= bytes.byteCount {
            let words = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
            guard (words[0] | words[1] | words[2] | words[3]) & high == 0 else { break }
            index &+= 32
        }
        while index &+ 8 <= bytes.byteCount {
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard word & high == 0 else { break }
            index &+= 8
        }
        while index < bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            guard byte < 0x80 else { break }
            index &+= 1
        }
        return index
    }
}
