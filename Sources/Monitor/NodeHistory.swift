// SPDX-License-Identifier: Apache-2.0

/// Recent readings of a node: counters become rates per second, and latencies are those of the last
/// seconds instead of those since the start.
package struct NodeHistory: Sendable {
    /// The window that latencies cover.
    package static let window: Duration = .seconds(10)

    private var readings: [NodeReading] = []
    /// Why the last reading failed; nil after one that did not.
    package private(set) var trouble: String?

    package init() {}

    package mutating func took(_ reading: NodeReading) {
        self.trouble = nil
        // Counters of another run of the process cannot be compared with this one.
        if let last, Self.began(reading.page, after: last.page) { self.readings = [] }
        self.readings.append(reading)
        // The one that begins the window stays.
        while self.readings.count > 2, self.readings[1].time <= reading.time - Self.window {
            self.readings.removeFirst()
        }
    }

    /// A reading failed.
    package mutating func failed(_ reason: String) {
        self.trouble = reason
        self.readings = []
    }

    /// Nil before the first.
    package var last: NodeReading? {
        self.readings.last
    }

    private static func began(_ page: MetricsPage, after earlier: MetricsPage) -> Bool {
        ["broadtape_commits_total", "broadtape_accepts_total", "broadtape_head_reads_total"].contains { name in
            page.value(name) < earlier.value(name)
        }
    }

    /// How much a counter has grown in a second, between the last two readings; nil before there are two.
    package func rate(_ value: (MetricsPage) -> Double) -> Double? {
        guard self.readings.count >= 2, let last else { return nil }
        let earlier = self.readings[self.readings.count - 2]
        let seconds = (last.time - earlier.time) / .seconds(1)
        return seconds > 0 ? max(0, value(last.page) - value(earlier.page)) / seconds : nil
    }

    package func rate(of name: String) -> Double? {
        self.rate { $0.value(name) }
    }

    /// A histogram of the recent window.
    package func recent(_ name: String) -> Buckets {
        guard let last, let first = self.readings.first, self.readings.count > 1 else { return Buckets() }
        return last.page.buckets(name).since(first.page.buckets(name))
    }
}
