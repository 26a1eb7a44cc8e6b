// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// A decimal number, kept as text so that no digit of a price is ever changed.
///
/// Each number has one canonical form: no exponent, no redundant leading or trailing zero, no negative zero. `"1e-7"`
/// is `0.0000001`, `"118449.03000000"` is `118449.03`. So numbers are equal when their texts are.
package struct DecimalNumber: Hashable, Sendable, CustomStringConvertible {
    /// Maximum length of the input text.
    private static let maxInput = 400
    /// Maximum number of digits: the hub's limit for decimals leaves room for a sign and a point.
    private static let maxDigits = Field.Kind.maxDecimalLength - 3

    package let description: String

    /// Parses a JSON number (RFC 8259 §6); leading zeros or a plus sign are allowed, as exchanges write them in
    /// strings. Nil for anything else, and for numbers of more than ``maxDigits`` digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maxInput, let parts = Parts(Array(text.utf8)),
            let description = parts.plain(within: Self.maxDigits)
        else { return nil }
        self.description = description
    }

    package var isZero: Bool { self.description == "0" }

    package var isNegative: Bool { self.description.utf8.first == UInt8(ascii: "-") }
}

extension DecimalNumber: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        switch (left.isNegative, right.isNegative) {
        case (true, false): true
        case (false, true): false
        case (false, false): Self.isMagnitude(left, below: right)
        case (true, true): Self.isMagnitude(right, below: left)
        }
    }

    private static func isMagnitude(_ left: Self, below right: Self) -> Bool {
        let (left, right) = (left.halves, right.halves)
        guard left.whole.count == right.whole.count else { return left.whole.count < right.whole.count }
        guard left.whole.elementsEqual(right.whole) else { return left.whole.lexicographicallyPrecedes(right.whole) }
        // Fractions have no trailing zeros, so a shorter one with the same prefix is the smaller one.
        return left.fraction.lexicographicallyPrecedes(right.fraction)
    }

    /// The digits before and after the point, without the sign.
    private var halves: (whole: Substring.UTF8View, fraction: Substring.UTF8View) {
        let digits = self.description.utf8.dropFirst(self.isNegative ? 1 : 0)
        guard let point = digits.firstIndex(of: UInt8(ascii: ".")) else {
            return (digits, digits[digits.endIndex...])
        }
        return (digits[..<point], digits[digits.index(after: point)...])
    }
}

/// Exact arithmetic for values that an exchange omits; nil where a result would need more than 38 digits.
extension DecimalNumber {
    private static let maxScale = 30

    /// The number times ten to the power of ``scale``.
    private var scaled: (value: Int128, scale: Int)? {
        let (whole, fraction) = self.halves
        var value: Int128 = 0
        for digit in [whole, fraction].joined() {
            let (shifted, isOver) = value.multipliedReportingOverflow(by: 10)
            let (sum, isBeyond) = shifted.addingReportingOverflow(Int128(digit - UInt8(ascii: "0")))
            guard !isOver, !isBeyond else { return nil }
            value = sum
        }
        return (self.isNegative ? -value : value, fraction.count)
    }

    private static func power(_ exponent: Int) -> Int128? {
        var power: Int128 = 1
        for _ in 0..<exponent {
            let (next, isOver) = power.multipliedReportingOverflow(by: 10)
            guard !isOver else { return nil }
            power = next
        }
        return power
    }

    private init?(_ value: Int128, scale: Int) {
        self.init("\(value)e-\(scale)")
    }

    package func minus(_ other: Self) -> Self? {
        guard let left = self.scaled, let right = other.scaled else { return nil }
        let scale = max(left.scale, right.scale)
        guard let leftPower = Self.power(scale - left.scale), let rightPower = Self.power(scale - right.scale) else {
            return nil
        }
        let (one, isOver) = left.value.multipliedReportingOverflow(by: leftPower)
        let (two, isBeyond) = right.value.multipliedReportingOverflow(by: rightPower)
        let (difference, isOut) = one.subtractingReportingOverflow(two)
        return isOver || isBeyond || isOut ? nil : Self(difference, scale: scale)
    }

    package func times(_ other: Self) -> Self? {
        guard let left = self.scaled, let right = other.scaled else { return nil }
        let (product, isOver) = left.value.multipliedReportingOverflow(by: right.value)
        return isOver ? nil : Self(product, scale: left.scale + right.scale)
    }

    /// Truncated, not rounded, to this many decimal places; nil also for a division by zero.
    package func divided(by other: Self, digits: Int) -> Self? {
        guard let left = self.scaled, let right = other.scaled, right.value != 0,
            (0...Self.maxScale).contains(digits), left.scale <= Self.maxScale + right.scale + digits
        else { return nil }
        // left·10^-l / (right·10^-r) = (left·10^(digits - l + r) / right)·10^-digits
        let shift = digits - left.scale + right.scale
        guard let power = Self.power(abs(shift)) else { return nil }
        if shift < 0 { return Self(left.value / power / right.value, scale: digits) }
        let (dividend, isOver) = left.value.multipliedReportingOverflow(by: power)
        return isOver ? nil : Self(dividend / right.value, scale: digits)
    }
}

/// A number in the form in which it was written.
private struct Parts {
    private var isNegative = false
    private var digits: [UInt8] = []
    /// Number of digits before the decimal point; may be negative or exceed the number of digits.
    private var point = 0

    init?(_ text: [UInt8]) {
        var rest = text[...]
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            self.isNegative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        let whole = Self.takeDigits(&rest)
        guard !whole.isEmpty else { return nil }
        self.digits = Array(whole)
        self.point = whole.count
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            let fraction = Self.takeDigits(&rest)
            guard !fraction.isEmpty else { return nil }
            self.digits += fraction
        }
        if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            guard let exponent = Self.exponent(&rest) else { return nil }
            self.point += exponent
        }
        guard rest.isEmpty else { return nil }
    }

    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        rest.removeFirst(digits.count)
        return digits
    }

    /// At most four digits: no realistic number has more, and expanding an exponent costs memory.
    private static func exponent(_ rest: inout ArraySlice<UInt8>) -> Int? {
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        let digits = Self.takeDigits(&rest)
        guard (1...4).contains(digits.count), let value = Int(decimal: digits, in: 0...9_999) else { return nil }
        return isNegative ? -value : value
    }

    /// The canonical form; nil when it has too many digits.
    func plain(within limit: Int) -> String? {
        let zero = UInt8(ascii: "0")
        let leading = self.digits.prefix { $0 == zero }.count
        var significant = Array(self.digits.dropFirst(leading))
        while significant.last == zero { significant.removeLast() }
        guard !significant.isEmpty else { return "0" }
        let point = self.point - leading
        guard max(point, significant.count) - min(point, 0) <= limit else { return nil }
        var text: [UInt8] = self.isNegative ? [UInt8(ascii: "-")] : []
        if point <= 0 {
            text.append(zero)
        } else {
            text += significant.prefix(point)
            text += repeatElement(zero, count: max(0, point - significant.count))
        }
        if point < significant.count {
            text.append(UInt8(ascii: "."))
            text += repeatElement(zero, count: max(0, -point))
            text += significant.dropFirst(max(0, point))
        }
        return String(decoding: text, as: UTF8.self)
    }
}
