// SPDX-License-Identifier: Apache-2.0

extension Report {
    private static let labelWidth = 16

    /// The report as a table for humans.
    package var table: String {
        let counts = self.verdict.counts
        var lines: [String] = []
        func add(_ label: String, _ text: String) {
            lines.append(Text.left(label, Self.labelWidth) + text)
        }
        add("run", "\(self.run) to \(self.address), speed \(self.speed)")
        add(
            "trace",
            "\(Text.grouped(self.events)) events in \(Text.grouped(self.channels)) channels\(self.skippedText)"
        )
        add(
            "published",
            "\(Text.grouped(self.acknowledged)) acknowledged in \(Text.grouped(self.requests)) requests"
                + ", \(Text.grouped(Int(self.publishRate))) events/s"
                + (self.acknowledgedAsDuplicates > 0
                    ? ", \(Text.grouped(self.acknowledgedAsDuplicates)) of them told as duplicates" : "")
        )
        add(
            "subscribers",
            "\(Text.grouped(self.subscribers)), connections lost and resumed: \(Text.grouped(self.connectionsLost))"
        )
        add(
            "deliveries",
            "\(Text.grouped(counts.deliveries)) for \(Text.grouped(self.verdict.expected)) positions expected"
                + ", \(Text.grouped(Int(self.deliveryRate)))/s over \(Text.decimal(self.seconds, digits: 1)) s"
        )
        lines.append("")
        lines.append(
            Text.left("milliseconds", Self.labelWidth)
                + ["p50", "p90", "p99", "p99.9", "max"].map { Text.right($0, 12) }.joined()
        )
        add("  receipt", Self.row(self.receipt))
        add("  acknowledged", Self.row(self.acknowledgement))
        lines.append("")
        add("lost", Text.grouped(self.verdict.lost))
        add("duplicated", Text.grouped(counts.duplicated))
        add("reordered", Text.grouped(counts.reordered))
        add(
            "conflated",
            Text.grouped(counts.conflated) + (counts.conflated > 0 ? " (allowed where only the newest counts)" : "")
        )
        for (label, count, meaning) in self.oddities where count > 0 {
            add(label, "\(Text.grouped(count)) (\(meaning))")
        }
        if self.verdict.foreign > 0 {
            add("foreign", "\(Text.grouped(self.verdict.foreign)) events of others on these channels")
        }
        for failure in self.failures { add("failure", failure) }
        add("verdict", self.isClean ? "everything arrived once and in order" : "NOT AS PROMISED")
        return lines.joined(separator: "\n")
    }

    private var skippedText: String {
        let count = self.skippedLines.values.reduce(0, +)
        guard count > 0 else { return "" }
        let kinds = self.skippedLines.sorted { $0.value > $1.value }.prefix(4)
            .map { "\($0.key) \(Text.grouped($0.value))" }
        return "; \(Text.grouped(count)) other lines skipped (\(kinds.joined(separator: ", ")))"
    }

    /// What should not be, and is told only if it is.
    private var oddities: [(label: String, count: Int, meaning: String)] {
        let counts = self.verdict.counts
        return [
            ("unpublished", self.events - self.acknowledged, "events never acknowledged"),
            ("wrong", counts.wrong, "deliveries of another event than the number stands for"),
            ("stale", self.verdict.stale, "conflated values whose newest never came"),
            ("contradicted", counts.contradicted, "acknowledgements that contradict another one or a delivery"),
            ("unacknowledged", self.verdict.unacknowledged, "numbers delivered and never acknowledged"),
            ("uncalled", counts.uncalled, "deliveries on channels not subscribed to"),
        ]
    }

    private static func row(_ latency: Latency) -> String {
        [latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
            .map { Text.right(Text.decimal($0, digits: 2), 12) }.joined()
    }
}
