// SPDX-License-Identifier: Apache-2.0

/// Base64url without padding (RFC 4648 §5), the encoding of JOSE (RFC 7515 §2).
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let none: UInt8 = 0xFF
    /// Value of each character.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: Self.none, count: 256)
        for (value, digit) in Self.alphabet.enumerated() { values[Int(digit)] = UInt8(truncatingIfNeeded: value) }
        return values
    }()

    /// Nil for other characters, an impossible length, and non-zero trailing bits: each byte sequence has exactly one
    /// encoding.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        let values = Self.values
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var width = 0
        for digit in text {
            let value = values[Int(digit)]
            guard value != Self.none else { return nil }
            bits = bits << 6 | UInt32(truncatingIfNeeded: value)
            width += 6
            if width >= 8 {
                width -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(width)))
                bits &= (1 << UInt32(width)) - 1
            }
        }
        return bits == 0 ? bytes : nil
    }

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var width = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            width += 8
            while width >= 6 {
                width -= 6
                text.append(Self.alphabet[Int(truncatingIfNeeded: bits >> UInt32(width)) & 0x3F])
            }
            bits &= (1 << UInt32(width)) - 1
        }
        if width > 0 { text.append(Self.alphabet[Int(truncatingIfNeeded: bits << UInt32(6 - width)) & 0x3F]) }
        return String(decoding: text, as: UTF8.self)
    }
}
