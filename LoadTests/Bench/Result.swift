// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a benchmark came to.
struct Result: Sendable {
    let benchmark: Benchmark
    /// Nanoseconds per operation of each run, ascending.
    let nanoseconds: [Double]
    let iterations: Int
    /// Instructions per operation in user mode, where they were counted.
    var instructions: Double?

    var median: Double {
        self.nanoseconds.isEmpty ? 0 : self.nanoseconds[self.nanoseconds.count / 2]
    }

    static let header =
        Self.left("benchmark", 30) + Self.left("operation", 34) + Self.right("ns median", 12) + Self.right("min", 12)
        + Self.right("max", 12) + Self.right("per second", 14) + Self.right("instructions", 14)

    var row: String {
        let rate = self.median > 0 ? 1e9 / self.median : 0
        return Self.left(self.benchmark.name, 30) + Self.left(self.benchmark.unit, 34)
            + Self.right(Self.number(self.median), 12) + Self.right(Self.number(self.nanoseconds.first ?? 0), 12)
            + Self.right(Self.number(self.nanoseconds.last ?? 0), 12) + Self.right(Self.number(rate), 14)
            + Self.right(self.instructions.map(Self.number) ?? "", 14)
    }

    var json: String {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("benchmark", string: self.benchmark.name)
        writer.member("operation", string: self.benchmark.unit)
        writer.member("iterations", integer: self.iterations)
        writer.member("runs", integer: self.nanoseconds.count)
        writer.member("nanoseconds", raw: Self.number(self.median).utf8)
        writer.member("minimum", raw: Self.number(self.nanoseconds.first ?? 0).utf8)
        writer.member("maximum", raw: Self.number(self.nanoseconds.last ?? 0).utf8)
        if let instructions { writer.member("instructions", raw: Self.number(instructions).utf8) }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Three significant digits below 100, whole above.
    private static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "0" }
        if abs(value) >= 100 { return String(Int(value.rounded())) }
        let hundredths = Int((abs(value) * 100).rounded())
        let fraction = String(100 + hundredths % 100).dropFirst()
        return "\(value < 0 ? "-" : "")\(hundredths / 100).\(fraction)"
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
