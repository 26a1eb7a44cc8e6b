// SPDX-License-Identifier: Apache-2.0

import JSON
import Terminal

/// What a scenario came to.
package struct Outcome: Sendable {
    /// The scenario's name.
    package var scenario: String
    /// Names the run in its events.
    package var run: String
    /// The nodes.
    package var address: String
    /// What was asked for.
    package var settings: [(name: String, value: String)] = []
    package var figures: [Figure] = []
    package var latencies: [(name: String, label: String, Report.Latency)] = []
    /// What the ledger says.
    package var verdict: Ledger.Verdict
    /// Events published and acknowledged.
    package var acknowledged = 0
    package var connectionsLost = 0
    /// Attempts to connect that failed, by what happened.
    package var failedDials: [String: Int] = [:]
    /// What went wrong besides what the verdict counts.
    package var failures: [String] = []
    /// What the reader of the figures should know.
    package var remarks: [String] = []

    /// Whether everything arrived as promised.
    package var isClean: Bool { self.verdict.isClean && self.failures.isEmpty }

    /// The figure of a name.
    package func figure(_ name: String) -> Double? {
        self.figures.first { $0.name == name }?.value
    }

    init(_ scenario: String, stage: Stage, findings: Findings, failure: RunError?) {
        self.scenario = scenario
        self.run = stage.plan.run
        self.address = stage.target.text
        self.verdict = findings.verdict
        self.acknowledged = stage.scoreboard.now.acknowledged
        self.connectionsLost = findings.connectionsLost
        self.failedDials = findings.failedDials
        var failures = findings.failures
        if let failure, !failures.contains(failure) { failures.append(failure) }
        self.failures = failures.map(\.description)
    }

    /// The outcome as one line of JSON.
    package var json: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("ok", bool: self.isClean)
        writer.member("scenario", string: self.scenario)
        writer.member("run", string: self.run)
        writer.member("to", string: self.address)
        writer.name("settings")
        writer.beginObject()
        for (name, value) in self.settings { writer.member(name, string: value) }
        writer.endObject()
        for figure in self.figures { writer.number(figure.name, figure.value) }
        for (name, _, latency) in self.latencies { writer.latency("\(name)Milliseconds", latency) }
        writer.member("acknowledged", integer: self.acknowledged)
        writer.member("connectionsLost", integer: self.connectionsLost)
        writer.verdict(self.verdict)
        writer.name("failedConnections")
        writer.beginObject()
        for (kind, count) in self.failedDials.sorted(by: { $0.key < $1.key }) { writer.member(kind, integer: count) }
        writer.endObject()
        writer.strings("remarks", self.remarks)
        writer.strings("failures", self.failures)
        writer.endObject()
        return writer.bytes
    }

    /// The outcome as a table for humans.
    package var table: String {
        var table = Table()
        table.row(self.scenario, "run \(self.run) to \(self.address)")
        if !self.settings.isEmpty {
            table.row("settings", self.settings.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
        }
        table.blank()
        for figure in self.figures { table.row(figure.label, figure.text) }
        table.latencies(self.latencies.map { ($0.label, $0.2) })
        table.blank()
        table.row("acknowledged", "\(Text.grouped(self.acknowledged)) events")
        table.row("connections lost", Text.grouped(self.connectionsLost))
        for (kind, count) in self.failedDials.sorted(by: { $0.value > $1.value }) {
            table.row("failed attempts", "\(Text.grouped(count)) (\(kind))")
        }
        table.verdict(self.verdict)
        for remark in self.remarks { table.row("note", remark) }
        for failure in self.failures { table.row("failure", failure) }
        table.row("verdict", self.isClean ? "everything arrived once and in order" : "NOT AS PROMISED")
        return table.text
    }
}
