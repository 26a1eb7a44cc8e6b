// SPDX-License-Identifier: Apache-2.0

import Hub

/// Writes metrics in the Prometheus text format, version 0.0.4.
struct PrometheusText {
    enum Kind: String {
        case gauge
        case counter
        case histogram
    }

    /// One labelled value of a metric. Label values are from a bounded set.
    struct Sample {
        var labels: [(name: String, value: String)]
        var value: String

        init(_ labels: [(name: String, value: String)], _ value: Int) {
            self.labels = labels
            self.value = "\(value)"
        }

        init(_ label: String, _ text: String, seconds: Double) {
            self.labels = [(label, text)]
            self.value = "\(seconds)"
        }

        init(_ label: String, _ text: String, _ value: Int) {
            self.init([(label, text)], value)
        }
    }

    private(set) var text = ""

    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        self.head(name, kind, help)
        self.text += "\(name) \(value)\n"
    }

    mutating func add(_ name: String, _ kind: Kind, _ help: String, seconds: Double) {
        self.head(name, kind, help)
        self.text += "\(name) \(seconds)\n"
    }

    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.head(name, kind, help)
        for sample in samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            self.text += "\(name){\(labels)} \(sample.value)\n"
        }
    }

    mutating func add(_ name: String, _ help: String, _ histogram: Histogram) {
        self.head(name, .histogram, help)
        var count = 0
        for (bound, inBucket) in zip(histogram.scale.bounds, histogram.counts) {
            count += inBucket
            self.text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        self.text += "\(name)_bucket{le=\"+Inf\"} \(histogram.count)\n"
        self.text += "\(name)_sum \(histogram.sum)\n"
        self.text += "\(name)_count \(histogram.count)\n"
    }

    private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        self.text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// Works on bytes, because CR LF is a single character and would hide its line feed.
    private static func escaped(_ value: String) -> String {
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += Array("\\n".utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
