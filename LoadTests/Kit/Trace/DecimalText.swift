// SPDX-License-Identifier: Apache-2.0

/// Arithmetic on decimal numbers written out, exact to the last digit.
enum DecimalText {
    /// The number halfway between two; nil when one is no plain decimal number, or has more than 30 digits.
    static func midpoint(_ left: String, _ right: String) -> String? {
        guard let left = Self.parts(left), let right = Self.parts(right) else { return nil }
        let scale = max(left.scale, right.scale)
        guard let first = Self.scaled(left, to: scale), let second = Self.scaled(right, to: scale) else { return nil }
        // Half of a sum is five times it with one digit more after the point.
        return Self.text((first + second) * 5, scale: scale + 1)
    }

    private static func parts(_ text: String) -> (digits: Int128, scale: Int)? {
        var digits: Int128 = 0
        var count = 0
        var scale: Int?
        for byte in text.utf8 {
            if byte == UInt8(ascii: "."), scale == nil, count > 0 {
                scale = 0
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10, count < 30 else { return nil }
            digits = digits * 10 + Int128(digit)
            count += 1
            scale = scale.map { $0 + 1 }
        }
        guard count > 0, scale != 0 else { return nil }
        return (digits, scale ?? 0)
    }

    private static func scaled(_ number: (digits: Int128, scale: Int), to scale: Int) -> Int128? {
        var digits = number.digits
        for _ in number.scale..<scale {
            guard digits < 10_000_000_000_000_000_000_000_000_000_000 else { return nil }
            digits *= 10
        }
        return digits
    }

    /// Without zeros at the end of the fraction that the operands did not have.
    private static func text(_ number: Int128, scale: Int) -> String {
        var digits = String(number)
        if digits.utf8.count <= scale {
            digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits
        }
        let point = digits.index(digits.endIndex, offsetBy: -scale)
        var fraction = digits[point...]
        if fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? String(digits[..<point]) : "\(digits[..<point]).\(fraction)"
    }
}
