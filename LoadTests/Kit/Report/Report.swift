// SPDX-License-Identifier: Apache-2.0

import Histogram
import JSON

/// What a run came to.
package struct Report: Sendable {
    /// A distribution of latencies, in milliseconds.
    package struct Latency: Sendable, Equatable {
        package var count = 0
        package var mean = 0.0
        package var p50 = 0.0
        package var p90 = 0.0
        package var p99 = 0.0
        package var p999 = 0.0
        package var max = 0.0

        /// Nothing measured.
        init() {}

        /// Reads a histogram of nanoseconds.
        init(_ histogram: Histogram<UInt64>) {
            guard histogram.totalCount > 0 else { return }
            func milliseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1_000_000 }
            self.count = Int(clamping: histogram.totalCount)
            self.mean = histogram.mean / 1_000_000
            self.p50 = milliseconds(histogram.valueAtPercentile(50))
            self.p90 = milliseconds(histogram.valueAtPercentile(90))
            self.p99 = milliseconds(histogram.valueAtPercentile(99))
            self.p999 = milliseconds(histogram.valueAtPercentile(99.9))
            self.max = milliseconds(histogram.maxRecorded)
        }
    }

    package var run: String
    package var address: String
    package var speed: String
    package var subscribers: Int
    package var events: Int
    package var channels: Int
    package var skippedLines: [String: Int]
    package var acknowledged: Int
    package var acknowledgedAsDuplicates: Int
    package var requests: Int
    package var connectionsLost: Int
    package var verdict: Ledger.Verdict
    /// From the first request to the last acknowledgement.
    package var publishingSeconds: Double
    /// From the first request to the last delivery.
    package var seconds: Double
    /// From when an event should have been sent to its arrival at a subscriber.
    package var receipt: Latency
    /// From when an event should have been sent to its acknowledgement.
    package var acknowledgement: Latency
    /// What went wrong besides what the verdict counts.
    package var failures: [String]

    /// Whether every event was acknowledged and arrived as promised.
    package var isClean: Bool {
        self.verdict.isClean && self.acknowledged == self.events && self.failures.isEmpty
    }

    /// Events acknowledged per second.
    package var publishRate: Double {
        self.publishingSeconds > 0 ? Double(self.acknowledged) / self.publishingSeconds : 0
    }

    /// Deliveries per second.
    package var deliveryRate: Double {
        self.seconds > 0 ? Double(self.verdict.counts.deliveries) / self.seconds : 0
    }

    /// The report as one line of JSON.
    package var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("ok", bool: self.isClean)
        writer.member("run", string: self.run)
        writer.member("to", string: self.address)
        writer.member("speed", string: self.speed)
        writer.member("subscribers", integer: self.subscribers)
        writer.member("events", integer: self.events)
        writer.member("channels", integer: self.channels)
        writer.member("acknowledged", integer: self.acknowledged)
        writer.member("acknowledgedAsDuplicates", integer: self.acknowledgedAsDuplicates)
        writer.member("requests", integer: self.requests)
        writer.member("connectionsLost", integer: self.connectionsLost)
        writer.verdict(self.verdict)
        writer.number("seconds", self.seconds)
        writer.number("eventsPerSecond", self.publishRate)
        writer.number("deliveriesPerSecond", self.deliveryRate)
        writer.latency("receiptMilliseconds", self.receipt)
        writer.latency("acknowledgementMilliseconds", self.acknowledgement)
        writer.strings("failures", self.failures)
        writer.endObject()
        return writer.bytes
    }
}
