// SPDX-License-Identifier: Apache-2.0

import Terminal

/// One value of a node: its name, and how it is shown.
struct Row: Sendable {
    private enum Figure: Sendable {
        case word(@Sendable (NodeReading) -> String)
        case count(String)
        case size(String)
        /// Of a counter, a second.
        case growth(String)
        /// Of a histogram of seconds.
        case quantile(String, Double)
    }

    let label: String
    /// For machines.
    let word: String
    private let figure: Figure

    private init(_ label: String, _ word: String, _ figure: Figure) {
        self.label = label
        self.word = word
        self.figure = figure
    }

    /// Whether the node answers.
    var isFirst: Bool {
        self.word == "state"
    }

    static let all: [Row] = [
        Row("state", "state", .word(\.state)),
        Row("connections", "connections", .count("broadtape_connections")),
        Row("  new/s", "accepts", .growth("broadtape_accepts_total")),
        Row("  ended/s", "closes", .growth("broadtape_closes_total")),
        Row("subscriptions", "subscriptions", .count("broadtape_subscriptions")),
        Row("  behind", "behind", .count("broadtape_behind_subscriptions")),
        Row("channels in memory", "channels", .count("broadtape_channels")),
        Row("events/s", "events", .growth("broadtape_events_accepted_total")),
        Row("  duplicates/s", "duplicates", .growth("broadtape_events_duplicate_total")),
        Row("requests refused/s", "refused", .growth("broadtape_publish_refusals_total")),
        Row("commits/s", "commits", .growth("broadtape_commits_total")),
        Row("commit p50", "commit-p50", .quantile("broadtape_commit_seconds", 0.5)),
        Row("       p99", "commit-p99", .quantile("broadtape_commit_seconds", 0.99)),
        Row("delivery p50", "delivery-p50", .quantile("broadtape_commit_to_send_seconds", 0.5)),
        Row("         p99", "delivery-p99", .quantile("broadtape_commit_to_send_seconds", 0.99)),
        Row("loop lag p99", "lag-p99", .quantile("broadtape_loop_lag_seconds", 0.99)),
        Row("waiting for commit", "queue", .size("broadtape_write_queue_bytes")),
        Row("recent frames", "ring", .size("broadtape_ring_bytes")),
        Row("bus", "bus", .word(\.bus)),
    ]

    /// For humans; the history has a reading.
    func cell(_ history: NodeHistory) -> String {
        guard let last = history.last else { return "–" }
        switch self.figure {
        case .word(let read): return read(last)
        case .count(let name): return Overview.whole(last.page.value(name))
        case .size(let name): return Text.bytes(last.page.value(name))
        case .growth(let name): return history.rate { Self.sum(name, $0) }.map(Text.rate) ?? "–"
        case .quantile(let name, let part):
            guard let seconds = history.recent(name).quantile(part) else { return "–" }
            return seconds.isFinite ? Text.latency(seconds: seconds) : "over 10 s"
        }
    }

    /// For machines: numbers in their base units, `-` for what is not known.
    func plain(_ history: NodeHistory) -> String {
        guard let last = history.last else { return "-" }
        switch self.figure {
        case .word(let read): return read(last).replacing(" ", with: "-")
        case .count(let name), .size(let name): return Text.decimal(last.page.value(name), digits: 0)
        case .growth(let name): return history.rate { Self.sum(name, $0) }.map { Text.decimal($0, digits: 1) } ?? "-"
        case .quantile(let name, let part):
            guard let seconds = history.recent(name).quantile(part) else { return "-" }
            return seconds.isFinite ? Text.decimal(seconds, digits: 6) : "inf"
        }
    }

    /// All values of a metric together, whatever their labels.
    private static func sum(_ name: String, _ page: MetricsPage) -> Double {
        page.all(name).reduce(0) { $0 + $1.value }
    }
}
