// SPDX-License-Identifier: Apache-2.0

import JSON

/// Hexadecimal as used in JSON-RPC: a `0x` prefix, data in pairs of digits, quantities without leading zeros.
package enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Data in lower case, with `0x`.
    package static func text(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = [UInt8(ascii: "0"), UInt8(ascii: "x")]
        text.reserveCapacity(2 + 2 * bytes.count)
        for byte in bytes {
            text.append(Self.digits[Int(byte >> 4)])
            text.append(Self.digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes data in either case; nil without `0x` or with an odd number of digits.
    package static func bytes(_ text: String) -> [UInt8]? {
        let digits = text.utf8
        guard digits.count % 2 == 0, text.hasPrefix("0x") || text.hasPrefix("0X") else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2 - 1)
        var high: UInt8?
        for digit in digits.dropFirst(2) {
            guard let value = Self.value(digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    /// A quantity, without leading zeros.
    package static func quantity(_ value: Int) -> String {
        "0x" + String(value, radix: 16)
    }

    /// Decodes a quantity, with or without leading zeros; nil when it is malformed or out of range.
    package static func integer(_ text: String, in range: ClosedRange<Int>) -> Int? {
        guard text.hasPrefix("0x") || text.hasPrefix("0X") else { return nil }
        return Int(hexadecimal: text.utf8.dropFirst(2), in: range)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
