// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a node exposes to monitoring (`GET /metrics`), parsed.
///
/// Lines that are not samples are skipped: a later node may expose more than is known here.
package struct MetricsPage: Sendable {
    /// One value.
    package struct Sample: Sendable, Equatable {
        package var labels: [String: String]
        package var value: Double
    }

    /// Longest page that is read, in bytes. A node sends about 20 KB.
    package static let maxBytes = 4 << 20

    private var samples: [Substring: [Sample]] = [:]

    /// - Parameter text: In Prometheus's text format, version 0.0.4.
    package init(_ text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let (name, sample) = Self.read(line) else { continue }
            self.samples[name, default: []].append(sample)
        }
    }

    /// The value of a metric that has one; 0 where it is missing.
    package func value(_ name: String) -> Double {
        self.samples[Substring(name)]?.first?.value ?? 0
    }

    /// All values of a metric.
    package func all(_ name: String) -> [Sample] {
        self.samples[Substring(name)] ?? []
    }

    /// Values by one of their labels; those with the same label are added up.
    package func values(_ name: String, by label: String) -> [String: Double] {
        var sums: [String: Double] = [:]
        for sample in self.all(name) {
            if let key = sample.labels[label] { sums[key, default: 0] += sample.value }
        }
        return sums
    }

    /// A histogram; empty where it is missing.
    package func buckets(_ name: String) -> Buckets {
        Buckets(
            self.all(name + "_bucket").compactMap { sample in
                sample.labels["le"].flatMap { Self.number(Substring($0)) }.map { ($0, sample.value) }
            }
        )
    }

    // MARK: Reading

    /// `name{label="value",…} number`
    private static func read(_ line: Substring) -> (Substring, Sample)? {
        let name = line.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
        guard !name.isEmpty else { return nil }
        var rest = line[name.endIndex...]
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while rest.first != "}" {
                guard let (label, value) = self.label(&rest) else { return nil }
                labels[label] = value
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
        }
        // A timestamp may follow.
        guard let number = rest.split(separator: " ").first.flatMap(self.number) else { return nil }
        return (name, Sample(labels: labels, value: number))
    }

    private static func label(_ rest: inout Substring) -> (String, String)? {
        let name = rest.prefix { $0 != "=" && $0 != "}" }
        rest = rest[name.endIndex...]
        guard !name.isEmpty, rest.hasPrefix("=\"") else { return nil }
        rest = rest.dropFirst(2)
        var value = ""
        while let character = rest.popFirst() {
            if character == "\"" { return (String(name), value) }
            guard character == "\\" else {
                value.append(character)
                continue
            }
            guard let escaped = rest.popFirst() else { return nil }
            value.append(escaped == "n" ? "\n" : escaped)
        }
        return nil
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        default: Double(decimal: text, in: -.infinity ... .infinity)
        }
    }
}
