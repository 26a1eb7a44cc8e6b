// SPDX-License-Identifier: Apache-2.0

import JSON
import Terminal

extension Report {
    /// The report as a table for humans.
    package var table: String {
        let counts = self.verdict.counts
        var table = Table(labelWidth: 16)
        table.row("run", "\(self.run) to \(self.address), speed \(self.speed)")
        table.row(
            "trace",
            "\(Text.grouped(self.events)) events in \(Text.grouped(self.channels)) channels\(self.skippedText)"
        )
        table.row(
            "published",
            "\(Text.grouped(self.acknowledged)) acknowledged in \(Text.grouped(self.requests)) requests"
                + ", \(Text.grouped(Int(clamping: self.publishRate, to: .seq))) events/s"
                + (self.acknowledgedAsDuplicates > 0
                    ? ", \(Text.grouped(self.acknowledgedAsDuplicates)) of them as duplicates" : "")
        )
        table.row(
            "subscribers",
            "\(Text.grouped(self.subscribers)), connections lost and resumed: \(Text.grouped(self.connectionsLost))"
        )
        table.row(
            "deliveries",
            "\(Text.grouped(counts.deliveries)) for \(Text.grouped(self.verdict.expected)) positions expected"
                + ", \(Text.grouped(Int(clamping: self.deliveryRate, to: .seq)))/s over \(Text.decimal(self.seconds, digits: 1)) s"
        )
        table.latencies([("receipt", self.receipt), ("acknowledged", self.acknowledgement)])
        table.blank()
        table.verdict(self.verdict)
        let unpublished = self.events - self.acknowledged
        if unpublished > 0 { table.row("unpublished", "\(Text.grouped(unpublished)) (events never acknowledged)") }
        for failure in self.failures { table.row("failure", failure) }
        table.row("verdict", self.isClean ? "everything arrived once and in order" : "NOT AS PROMISED")
        return table.text
    }

    private var skippedText: String {
        let count = self.skippedLines.values.reduce(0, +)
        guard count > 0 else { return "" }
        let kinds = self.skippedLines.sorted { $0.value > $1.value }.prefix(4)
            .map { "\($0.key) \(Text.grouped($0.value))" }
        return "; \(Text.grouped(count)) other lines skipped (\(kinds.joined(separator: ", ")))"
    }
}
