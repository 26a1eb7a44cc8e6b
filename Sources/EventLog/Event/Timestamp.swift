// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A point in time in whole nanoseconds since 1970-01-01T00:00:00Z; 1677 to 2262. Written as RFC 3339 in UTC.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The current time of the wall clock.
    package static var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// This time moved by a duration, clamped to the range instead of overflowing.
    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let sum = Int128(self.nanoseconds) + Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
        return Timestamp(nanoseconds: Int64(clamping: sum))
    }

    /// The time elapsed since `earlier`.
    package func duration(since earlier: Timestamp) -> Duration {
        .nanoseconds(Int64(clamping: Int128(self.nanoseconds) - Int128(earlier.nanoseconds)))
    }

    /// RFC 3339, with as many groups of three fraction digits as the value needs.
    package var description: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(30)
        self.write(to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    /// Appends ``description`` to a text.
    package func write(to digits: inout [UInt8]) {
        let (day, nanosecondOfDay) = Self.split(self.nanoseconds, by: 86_400_000_000_000)
        let date = Self.civil(fromDay: day)
        let second = nanosecondOfDay / 1_000_000_000
        Self.append(date.year, width: 4, to: &digits)
        digits.append(UInt8(ascii: "-"))
        Self.append(date.month, width: 2, to: &digits)
        digits.append(UInt8(ascii: "-"))
        Self.append(date.day, width: 2, to: &digits)
        digits.append(UInt8(ascii: "T"))
        Self.append(second / 3600, width: 2, to: &digits)
        digits.append(UInt8(ascii: ":"))
        Self.append(second / 60 % 60, width: 2, to: &digits)
        digits.append(UInt8(ascii: ":"))
        Self.append(second % 60, width: 2, to: &digits)
        let fraction = nanosecondOfDay % 1_000_000_000
        if fraction != 0 {
            digits.append(UInt8(ascii: "."))
            if fraction % 1_000_000 == 0 {
                Self.append(fraction / 1_000_000, width: 3, to: &digits)
            } else if fraction % 1_000 == 0 {
                Self.append(fraction / 1_000, width: 6, to: &digits)
            } else {
                Self.append(fraction, width: 9, to: &digits)
            }
        }
        digits.append(UInt8(ascii: "Z"))
    }

    private static func append(_ value: Int64, width: Int, to digits: inout [UInt8]) {
        // At most nine digits, from last to first: 32-bit division by a constant is fast.
        var rest = UInt32(truncatingIfNeeded: value)
        let end = digits.count + width
        for _ in 0..<width { digits.append(0) }
        for place in 1...width {
            digits[end - place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    private static func split(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// The Gregorian date of a day number (days since 1970-01-01), computed in 400-year eras that begin on 1 March.
    private static func civil(fromDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = Self.split(day + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension Timestamp {
    /// Parses RFC 3339 (§5.6) with any offset; fraction digits after the ninth are dropped. Nil if the text is
    /// malformed, the date does not exist, or the time is out of range. A leap second counts as the second after it.
    package init?(rfc3339 text: String) {
        var reader = Reader(bytes: Array(text.utf8))
        guard let year = reader.digits(4), reader.skip("-"),
            let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), reader.skip("T", "t", " "),
            let hour = reader.digits(2), reader.skip(":"),
            let minute = reader.digits(2), reader.skip(":"),
            let second = reader.digits(2)
        else { return nil }
        var fraction: Int64 = 0
        if reader.skip(".") {
            guard let digits = reader.fraction() else { return nil }
            fraction = digits
        }
        guard let offset = reader.offset(), reader.isAtEnd else { return nil }
        guard (1...12).contains(month), (1...Self.days(inMonth: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let seconds =
            Self.dayNumber(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
            - offset * 60
        guard let nanoseconds = Int64(exactly: Int128(seconds) * 1_000_000_000 + Int128(fraction)) else { return nil }
        self.nanoseconds = nanoseconds
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = Self.split(shiftedYear, by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        var isAtEnd: Bool { self.index == self.bytes.count }

        private var digit: Int64? {
            guard self.index < self.bytes.count else { return nil }
            let value = self.bytes[self.index] &- UInt8(ascii: "0")
            return value < 10 ? Int64(clamping: value) : nil
        }

        mutating func digits(_ count: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<count {
                guard let digit = self.digit else { return nil }
                value = value * 10 + digit
                self.index += 1
            }
            return value
        }

        mutating func skip(_ choices: Unicode.Scalar...) -> Bool {
            guard self.index < self.bytes.count,
                choices.contains(Unicode.Scalar(self.bytes[self.index]))
            else { return false }
            self.index += 1
            return true
        }

        mutating func fraction() -> Int64? {
            var value: Int64 = 0
            var scale: Int64 = 100_000_000
            guard self.digit != nil else { return nil }
            while let digit = self.digit {
                value += digit * scale
                scale /= 10
                self.index += 1
            }
            return value
        }

        /// Minutes east of UTC.
        mutating func offset() -> Int64? {
            if self.skip("Z", "z") { return 0 }
            let sign: Int64
            if self.skip("+") {
                sign = 1
            } else if self.skip("-") {
                sign = -1
            } else {
                return nil
            }
            guard let hours = self.digits(2), self.skip(":"), let minutes = self.digits(2), hours < 24, minutes < 60
            else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }
}
