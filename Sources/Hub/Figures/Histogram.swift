// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// A histogram with fixed bucket bounds, as in Prometheus.
package struct Histogram: Sendable, Equatable {
    /// Upper bounds of the buckets, ascending.
    package struct Scale: Sendable, Equatable {
        package let bounds: [Double]

        /// For latencies, in seconds: 100 µs to 10 s.
        package static let latency = Scale(
            bounds: [
                0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
            ]
        )
        /// For the age of data, in seconds: 1 ms to a day.
        package static let age = Scale(
            bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3_600, 86_400]
        )
        /// For batch sizes.
        package static let count = Scale(bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000])
    }

    package let scale: Scale
    /// Counts per bucket, not cumulative. The last one counts the values beyond the last bound.
    package private(set) var counts: [Int]
    package private(set) var sum = 0.0

    package init(_ scale: Scale) {
        self.scale = scale
        self.counts = Array(repeating: 0, count: scale.bounds.count + 1)
    }

    /// Number of observed values.
    package var count: Int {
        self.counts.reduce(0, +)
    }

    package mutating func observe(_ value: Double) {
        self.counts[self.scale.bounds.firstIndex { value <= $0 } ?? self.scale.bounds.count] += 1
        self.sum += value
    }

    /// In seconds; negative values count as zero.
    package mutating func observe(_ time: TimeAmount) {
        self.observe(max(0, Double(time.nanoseconds) / 1e9))
    }

    /// In seconds; negative values count as zero.
    package mutating func observe(_ duration: Duration) {
        self.observe(max(0, duration / .seconds(1)))
    }

    /// Adds the values of another histogram with the same scale.
    package mutating func add(_ other: Histogram) {
        for (index, count) in other.counts.enumerated() where index < self.counts.count {
            self.counts[index] += count
        }
        self.sum += other.sum
    }
}
