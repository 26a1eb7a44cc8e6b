// SPDX-License-Identifier: Apache-2.0

import JSON
import SafeText

/// Numbers and columns for humans.
package enum Text {
    /// With so many digits after the point.
    package static func decimal(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 1e15 else { return "0" }
        let (whole, fraction) = Int(clamping: abs(scaled), to: .seq)
            .quotientAndRemainder(dividingBy: Int(clamping: scale, to: .seq))
        let sign = scaled < 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let text = String(fraction)
        return "\(sign)\(whole).\(String(repeating: "0", count: digits - text.utf8.count))\(text)"
    }

    /// With a comma between groups of three digits.
    package static func grouped(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        groups.insert(digits, at: 0)
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    /// A rate per second: whole numbers from 10 on.
    package static func rate(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "0" }
        return abs(value) < 9.95 && value != value.rounded()
            ? Self.decimal(value, digits: 1) : Self.grouped(Int(clamping: value, to: -Int.maxSafe...Int.maxSafe))
    }

    /// A time that is left or has passed, in its two greatest units: `40 s`, `3 min 20 s`, `2 h 5 min`.
    package static func time(seconds: Double) -> String {
        guard seconds.isFinite, (0..<1e9).contains(seconds) else { return "a long time" }
        let whole = Int(clamping: seconds.rounded(.up), to: .seq)
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3_600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3_600) h \(whole / 60 % 60) min"
        default: return "\(whole / 86_400) d \(whole / 3_600 % 24) h"
        }
    }

    /// A short time with a unit that leaves one to three digits before the point: `250 µs`, `2.3 ms`, `1.20 s`.
    package static func latency(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        switch seconds {
        case ..<0.00095: return "\(Self.decimal(seconds * 1e6, digits: 0)) µs"
        case ..<0.995: return "\(Self.decimal(seconds * 1e3, digits: seconds < 0.00995 ? 1 : 0)) ms"
        case ..<99.5: return "\(Self.decimal(seconds, digits: seconds < 9.95 ? 2 : 1)) s"
        default: return Self.time(seconds: seconds)
        }
    }

    /// A size in the unit that leaves one to four digits before the point.
    package static func bytes(_ value: Double) -> String {
        guard value.isFinite, value >= 0 else { return "–" }
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (size, unit) = (value, 0)
        while size >= 1_024, unit < units.count - 1 {
            size /= 1_024
            unit += 1
        }
        return "\(Self.decimal(size, digits: unit == 0 || size >= 99.95 ? 0 : 1)) \(units[unit])"
    }

    /// Filled with blanks on the left.
    package static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Filled with blanks on the right.
    package static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// The first columns of a line, escaped: names from outside may contain anything.
    package static func cut(_ text: String, to width: Int) -> String {
        let plain = Escape.text(text)
        guard plain.count > width else { return plain }
        return width < 2 ? String(plain.prefix(max(0, width))) : plain.prefix(width - 1) + "…"
    }
}
