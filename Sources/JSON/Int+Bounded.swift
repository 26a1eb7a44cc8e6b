// SPDX-License-Identifier: Apache-2.0

// The one way to read numbers from outside: with the limits of what they mean. Arithmetic behind the limits cannot
// overflow, so it needs no checks of its own. `Tests/DocumentTests/NumberTests.swift` refuses other ways.

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
            result = result << 4 | Int(clamping: value)
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

    /// Adds a number from outside to a sum of such numbers. Each is bounded; the sum stays at the end of 64 bits instead
    /// of leaving them.
    package mutating func addClamped(_ number: Int) {
        let (sum, hasOverflown) = self.addingReportingOverflow(number)
        self = hasOverflown ? (number < 0 ? .min : .max) : sum
    }
}

extension FixedWidthInteger {
    /// The nearest whole number within the range; for what is no number, the one nearest to 0.
    package init(clamping number: Double, to range: ClosedRange<Self>) {
        let nearest = Self(exactly: number.isNaN ? 0 : number.rounded()) ?? (number > 0 ? .max : .min)
        self = Swift.min(Swift.max(nearest, range.lowerBound), range.upperBound)
    }
}

extension Double {
    /// Reads a number as Swift writes it; nil for anything else, for what is no number, and outside of the range.
    package init?(decimal text: some StringProtocol, in range: ClosedRange<Double>) {
        guard let number = Double(text), range.contains(number) else { return nil }
        self = number
    }
}

extension Duration {
    /// Without what is left of a millisecond; stays at the ends of 64 bits.
    package var wholeMilliseconds: Int {
        let (seconds, attoseconds) = self.components
        return Int(clamping: Int128(seconds) * 1_000 + Int128(attoseconds / 1_000_000_000_000_000))
    }

    /// Without what is left of a second.
    package var wholeSeconds: Int { Int(self.components.seconds) }
}

extension ClosedRange<Int> {
    /// What numbers of events, versions, heads and blocks are within: 0 to ``Int/maxSafe``.
    package static var seq: ClosedRange<Int> { 0...Int.maxSafe }

    /// All of 64 bits, for numbers that are stored and compared, and that nothing is computed with: names such as a
    /// chain's, and times, whose types have arithmetic of their own.
    package static var unlimited: ClosedRange<Int> { Int.min...Int.max }

    /// What is expected of a number, for the message to the client that sent another one.
    package func expectation(of unit: String? = nil) -> String {
        "a whole number \(unit.map { "of \($0) " } ?? "")from \(self.lowerBound) to \(self.upperBound)"
    }
}

extension Value {
    /// The number, if it is written without fraction and exponent and is within the range; `1.0` and `1e3` are nil.
    package func integer(in range: ClosedRange<Int>) -> Int? {
        self.kind == .number ? Int(decimal: self.text, in: range) : nil
    }
}
