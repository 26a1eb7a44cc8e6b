// SPDX-License-Identifier: Apache-2.0

// The one way to read numbers from outside: with the limits of what they mean. Arithmetic behind the limits cannot
// overflow, so it needs no checks of its own. Tests/SourceTests refuses other ways.

extension Int {
    /// The greatest whole number that JavaScript keeps exact, `Number.MAX_SAFE_INTEGER` (RFC 7493 §2.2).
    package static var maxSafe: Int { 9_007_199_254_740_991 }

    /// Reads decimal digits, which a minus may precede; nil for anything else and outside of the range.
    package init?(decimal text: some Sequence<UInt8>, in range: ClosedRange<Int>) {
        var digits = text.makeIterator()
        var next = digits.next()
        let isNegative = next == .minus
        if isNegative { next = digits.next() }
        guard next != nil else { return nil }
        var result = 0
        while let byte = next {
            guard byte.isDigit else { return nil }
            let (shifted, hasOverflown) = result.multipliedReportingOverflow(by: 10)
            let digit = Int(byte - .zero)
            // Counted downwards below zero, so that Int.min is reached without passing its negation.
            let (sum, isBeyond) =
                isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
            guard !hasOverflown, !isBeyond else { return nil }
            result = sum
            next = digits.next()
        }
        guard range.contains(result) else { return nil }
        self = result
    }

    /// Reads decimal digits, which a minus may precede; nil for anything else and outside of the range.
    package init?(decimal text: some StringProtocol, in range: ClosedRange<Int>) {
        self.init(decimal: text.utf8, in: range)
    }

    /// Reads hexadecimal digits of either case; nil for anything else and outside of the range.
    package init?(hexadecimal text: some Sequence<UInt8>, in range: ClosedRange<Int>) {
        var result = 0
        var isEmpty = true
        for byte in text {
            guard let value = byte.hexValue, result <= Int.max >> 4 else { return nil }
            result = result << 4 | Int(value)
            isEmpty = false
        }
        guard !isEmpty, range.contains(result) else { return nil }
        self = result
    }

    /// Takes a whole number of another type; nil outside of the range.
    package init?(_ number: some BinaryInteger, in range: ClosedRange<Int>) {
        guard let number = Int(exactly: number), range.contains(number) else { return nil }
        self = number
    }

    /// Takes a number without what it has behind the point; nil for what is none and outside of the range.
    package init?(_ number: Double, in range: ClosedRange<Int>) {
        guard let number = Int(exactly: number.rounded(.towardZero)), range.contains(number) else { return nil }
        self = number
    }

    /// Adds a number from outside to a sum of such: each is bounded, so only the sum can leave 64 bits, and then stays at
    /// their end.
    package mutating func addClamped(_ number: Int) {
        let (sum, hasOverflown) = self.addingReportingOverflow(number)
        self = hasOverflown ? (number < 0 ? .min : .max) : sum
    }

    /// The nearest whole number within the range; its beginning for what is no number.
    package init(clamping number: Double, to range: ClosedRange<Int>) {
        let whole = number.rounded()
        if let number = Int(exactly: whole) {
            self = Swift.min(Swift.max(number, range.lowerBound), range.upperBound)
        } else {
            self = whole > 0 ? range.upperBound : range.lowerBound
        }
    }
}

extension ClosedRange<Int> {
    /// What numbers of events, versions, heads and blocks lie in: 0 to ``Int/maxSafe``.
    package static var seq: ClosedRange<Int> { 0...Int.maxSafe }

    /// What is expected of a number, for whoever sent another one.
    package func expectation(of unit: String? = nil) -> String {
        "a whole number \(unit.map { "of \($0) " } ?? "")from \(self.lowerBound) to \(self.upperBound)"
    }
}

extension Value {
    /// The number, if it is written without fraction and exponent and lies in the range; `1.0` and `1e3` are nil.
    package func integer(in range: ClosedRange<Int>) -> Int? {
        self.kind == .number ? Int(decimal: self.text, in: range) : nil
    }
}
