// SPDX-License-Identifier: Apache-2.0

import SafeText
import Terminal

/// A table for humans, row by row: a label, then text.
struct Table {
    private static let columns = ["p50", "p90", "p99", "p99.9", "max"]
    private static let columnWidth = 12

    private let labelWidth: Int
    private var lines: [String] = []

    init(labelWidth: Int = 26) {
        self.labelWidth = labelWidth
    }

    var text: String { self.lines.joined(separator: "\n") }

    mutating func row(_ label: String, _ text: String) {
        self.lines.append(Text.left(label, self.labelWidth) + Escape.text(text))
    }

    mutating func blank() {
        self.lines.append("")
    }

    /// Distributions, those that have anything in them.
    mutating func latencies(_ latencies: [(label: String, latency: Report.Latency)]) {
        let latencies = latencies.filter { $0.latency.count > 0 }
        guard !latencies.isEmpty else { return }
        self.blank()
        self.row("milliseconds", Self.columns.map { Text.right($0, Self.columnWidth) }.joined())
        for (label, latency) in latencies {
            let values = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
            self.row("  \(label)", values.map { Text.right(Text.decimal($0, digits: 2), Self.columnWidth) }.joined())
        }
    }

    /// What the ledger says.
    mutating func verdict(_ verdict: Ledger.Verdict) {
        let counts = verdict.counts
        self.row("lost", Text.grouped(verdict.lost))
        self.row("duplicated", Text.grouped(counts.duplicated))
        self.row("reordered", Text.grouped(counts.reordered))
        self.row(
            "conflated",
            Text.grouped(counts.conflated) + (counts.conflated > 0 ? " (allowed where only the newest counts)" : "")
        )
        let oddities = [
            ("wrong", counts.wrong, "deliveries of another event than the one of that number, or with other content"),
            ("stale", verdict.stale, "conflated values whose newest never came"),
            ("contradicted", counts.contradicted, "acknowledgements that contradict another one or a delivery"),
            ("unacknowledged", verdict.unacknowledged, "numbers delivered and never acknowledged"),
            ("uncalled", counts.uncalled, "deliveries on channels not subscribed to"),
        ]
        for (label, count, meaning) in oddities where count > 0 {
            self.row(label, "\(Text.grouped(count)) (\(meaning))")
        }
        if verdict.foreign > 0 {
            self.row("foreign", "\(Text.grouped(verdict.foreign)) events of others on these channels")
        }
    }
}
