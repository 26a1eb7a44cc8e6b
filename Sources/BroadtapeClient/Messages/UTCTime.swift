// SPDX-License-Identifier: Apache-2.0

/// A point in time as nanoseconds since 1970-01-01T00:00:00Z, read and written as RFC 3339.
package struct UTCTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package var nanoseconds: Int64

    /// Creates a time.
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Reads RFC 3339 (§5.6) with any offset; nil when malformed or not between 1678 and 2261.
    package init?(_ text: String) {
        var digits = Digits(text.utf8)
        guard let year = digits.number(4), digits.skip("-"), let month = digits.number(2), digits.skip("-"),
            let day = digits.number(2), digits.skip("T") || digits.skip("t") || digits.skip(" "),
            let hour = digits.number(2), digits.skip(":"), let minute = digits.number(2), digits.skip(":"),
            let second = digits.number(2)
        else { return nil }
        var fraction: Int64 = 0
        if digits.skip(".") {
            guard let value = digits.fraction() else { return nil }
            fraction = value
        }
        guard let offset = digits.offset(), digits.isAtEnd, (1678...2261).contains(year), (1...12).contains(month),
            (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        // Years that begin in March, so that the leap day is the last.
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
        self.nanoseconds = seconds * 1_000_000_000 + fraction
    }

    /// RFC 3339 in UTC with nine fraction digits, or none.
    package var description: String {
        let second = self.nanoseconds.floored(by: 1_000_000_000)
        let day = second.quotient.floored(by: 86_400)
        let era = (day.quotient + 719_468).floored(by: 146_097)
        let dayOfEra = era.remainder
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era.quotient * 400 + (month <= 2 ? 1 : 0)
        let date = "\(year)-\(month.padded(2))-\((dayOfYear - (153 * shiftedMonth + 2) / 5 + 1).padded(2))"
        let time = day.remainder
        let clock = "\((time / 3600).padded(2)):\((time / 60 % 60).padded(2)):\((time % 60).padded(2))"
        return "\(date)T\(clock)\(second.remainder == 0 ? "" : ".\(second.remainder.padded(9))")Z"
    }

    package static func < (left: UTCTime, right: UTCTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

private struct Digits {
    private var rest: Substring.UTF8View

    init(_ text: String.UTF8View) {
        self.rest = text[...]
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard let byte = self.rest.first, Unicode.Scalar(byte) == scalar else { return false }
        self.rest.removeFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let byte = self.rest.first, case let value = byte &- UInt8(ascii: "0"), value < 10 else { return nil }
        self.rest.removeFirst()
        return Int64(clamping: value)
    }

    mutating func number(_ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit = self.digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Nanoseconds; digits past the ninth are dropped.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var scale: Int64 = 100_000_000
        guard let first = self.digit() else { return nil }
        value = first * scale
        while let digit = self.digit() {
            scale /= 10
            value += digit * scale
        }
        return value
    }

    /// Minutes east of UTC.
    mutating func offset() -> Int64? {
        if self.skip("Z") || self.skip("z") { return 0 }
        let sign: Int64 = self.skip("+") ? 1 : self.skip("-") ? -1 : 0
        guard sign != 0, let hours = self.number(2), self.skip(":"), let minutes = self.number(2), hours < 24,
            minutes < 60
        else { return nil }
        return sign * (hours * 60 + minutes)
    }
}

extension Int64 {
    fileprivate func floored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
    }
}
