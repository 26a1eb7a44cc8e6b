// SPDX-License-Identifier: Apache-2.0

import JSON

/// Durations and sizes as operators write them.
enum Quantity {
    private static let durations: [String: Int] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
    private static let sizes: [String: Int] = ["": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30]

    /// `250ms`, `10s`, `5m`, `2h`, `30d`.
    static func duration(_ text: String) -> Duration? {
        Self.read(text, units: self.durations).map { .milliseconds($0) }
    }

    /// `4096`, `64KiB`, `1MiB`.
    static func bytes(_ text: String) -> Int? {
        Self.read(text, units: self.sizes)
    }

    /// The bounds of a range, in the notation of the settings.
    static func text(_ range: ClosedRange<Duration>) -> String {
        "\(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
    }

    /// The bounds of a range of sizes, in the notation of the settings.
    static func text(ofBytes range: ClosedRange<Int>) -> String {
        "\(Self.text(range.lowerBound, self.sizes, unit: "B")) to \(Self.text(range.upperBound, self.sizes, unit: "B"))"
    }

    private static func text(_ duration: Duration) -> String {
        Self.text(duration.wholeMilliseconds, Self.durations, unit: "s")
    }

    /// In the largest unit in which it is a whole number.
    /// - Parameter unit: Unit of zero.
    private static func text(_ value: Int, _ units: [String: Int], unit: String) -> String {
        let fitting = units.filter { !$0.key.isEmpty && value.isMultiple(of: $0.value) }
        guard value > 0, let best = fitting.max(by: { $0.value < $1.value }) else { return "\(value)\(unit)" }
        return "\(value / best.value)\(best.key)"
    }

    private static func read(_ text: String, units: [String: Int]) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(decimal: digits, in: .seq), let unit = units[String(text.dropFirst(digits.count))] else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }
}
