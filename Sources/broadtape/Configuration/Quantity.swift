// SPDX-License-Identifier: Apache-2.0

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

    private static func read(_ text: String, units: [String: Int]) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }
}
