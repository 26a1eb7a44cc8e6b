// SPDX-License-Identifier: Apache-2.0

import JSON

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
package enum RetryAfter {
    /// Longest that is understood; what is asked for beyond it counts as this.
    private static let longest = 86_400 * 7

    /// - Parameter date: The answer's own `Date`, which a date is counted from: the server's clock may differ from ours.
    package static func duration(_ value: String?, date: String? = nil) -> Duration? {
        guard let value else { return nil }
        let text = value.trimmingPrefix { $0 == " " }
        if let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) {
            let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            return .seconds(Int(decimal: digits, in: 0...Self.longest) ?? Self.longest)
        }
        guard let then = Self.seconds(of: String(text)), let now = date.flatMap(Self.seconds) else { return nil }
        return .seconds(min(Self.longest, max(0, then - now)))
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since the year 0 of `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func seconds(of text: String) -> Int? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = Self.months.firstIndex(of: String(words[2])),
            let day = Self.number(words[1], 1...31), let year = Self.number(words[3], 1900...9999)
        else { return nil }
        let time = words[4].split(separator: ":", omittingEmptySubsequences: false)
        guard time.count == 3, let hour = Self.number(time[0], 0...23), let minute = Self.number(time[1], 0...59),
            let second = Self.number(time[2], 0...60)
        else { return nil }
        // Days by the calendar that begins a year with March, so that a leap day is its last.
        let (y, m) = month >= 2 ? (year, month - 2) : (year - 1, month + 10)
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day
        return ((days * 24 + hour) * 60 + minute) * 60 + second
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        (1...4).contains(text.utf8.count) ? Int(decimal: text, in: range) : nil
    }
}
