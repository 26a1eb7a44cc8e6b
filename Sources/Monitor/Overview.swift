// SPDX-License-Identifier: Apache-2.0

import Terminal

/// What `broadtape top` shows: nodes side by side, the events they commit, and their sources.
package struct Overview: Sendable {
    private static let labelWidth = 22
    private static let leastColumn = 13
    private static let mostColumn = 24
    private static let shownTypes = 8

    /// The names of the nodes.
    private let names: [String]
    private var histories: [NodeHistory]

    package init(of names: [String]) {
        self.names = names
        self.histories = names.map { _ in NodeHistory() }
    }

    /// - Parameter node: Its index among the names; any other is ignored.
    package mutating func took(_ reading: NodeReading, of node: Int) {
        guard self.histories.indices.contains(node) else { return }
        guard reading.isNode else {
            return self.histories[node].failed("answers, but not as a node; --to is for admin ports")
        }
        self.histories[node].took(reading)
    }

    package mutating func failed(_ reason: String, of node: Int) {
        guard self.histories.indices.contains(node) else { return }
        self.histories[node].failed(reason)
    }

    /// Whether every node has answered the last request.
    package var isComplete: Bool {
        self.histories.allSatisfy { $0.trouble == nil && $0.last != nil }
    }

    // MARK: A table

    /// Everything, in lines of at most so many columns.
    /// - Parameter rows: Most lines; the last one says how much does not fit. Nil shows all.
    package func table(columns: Int, rows: Int? = nil) -> [String] {
        let fitting = max(1, (columns - Self.labelWidth) / (Self.leastColumn + 2))
        let shown = Array(self.histories.indices.prefix(fitting))
        let room = (columns - Self.labelWidth) / max(1, shown.count) - 2
        let width = min(Self.mostColumn, max(Self.leastColumn, room))
        var lines = [Self.line("", shown.map { Self.tail(self.names[$0], width) }, width)]
        for row in Row.all {
            lines.append(
                Self.line(
                    row.label,
                    shown.map { index in
                        guard self.histories[index].last != nil else { return row.isFirst ? "no answer" : "–" }
                        return row.cell(self.histories[index])
                    },
                    width
                )
            )
        }
        lines += self.types(shown, width)
        lines += self.sources()
        for index in self.histories.indices {
            if let trouble = self.histories[index].trouble { lines += ["", "\(self.names[index]): \(trouble)"] }
        }
        if shown.count < self.names.count {
            lines += ["", "\(self.names.count - shown.count) more nodes do not fit; make the window wider"]
        }
        lines = lines.map { Text.cut($0, to: columns) }
        guard let rows, lines.count > rows, rows > 0 else { return lines }
        return lines.prefix(rows - 1) + [
            Text.cut("… \(lines.count - rows + 1) more lines; make it higher", to: columns)
        ]
    }

    private static func line(_ label: String, _ cells: [String], _ width: Int) -> String {
        Text.left(Text.cut(label, to: self.labelWidth), self.labelWidth)
            + cells.map { "  " + Text.right(Text.cut($0, to: width), width) }.joined()
    }

    /// The end of a name says more than its beginning.
    private static func tail(_ name: String, _ width: Int) -> String {
        name.count <= width ? name : "…" + name.suffix(width - 1)
    }

    /// Events a second by type, the busiest first.
    private func types(_ shown: [Int], _ width: Int) -> [String] {
        func accepted(_ page: MetricsPage) -> [String: Double] {
            var sums: [String: Double] = [:]
            for sample in page.all("broadtape_events_total") where sample.labels["result"] == "accepted" {
                if let type = sample.labels["type"] { sums[type, default: 0] += sample.value }
            }
            return sums
        }
        var rates: [String: [Int: Double]] = [:]
        for index in shown {
            guard let last = self.histories[index].last else { continue }
            for type in accepted(last.page).keys {
                rates[type, default: [:]][index] = self.histories[index].rate { accepted($0)[type] ?? 0 }
            }
        }
        guard !rates.isEmpty else { return [] }
        let sums = rates.mapValues { $0.values.reduce(0, +) }
        let order = rates.keys.sorted { left, right in
            let (a, b) = (sums[left] ?? 0, sums[right] ?? 0)
            return a == b ? left < right : a > b
        }
        var lines = ["", "events/s by type"]
        for type in order.prefix(Self.shownTypes) {
            lines.append(
                Self.line("  " + type, shown.map { index in rates[type]?[index].map(Text.rate) ?? "–" }, width)
            )
        }
        if order.count > Self.shownTypes { lines.append("  and \(order.count - Self.shownTypes) more") }
        return lines
    }

    private func sources() -> [String] {
        var lines: [String] = []
        for (name, history) in zip(self.names, self.histories) {
            for source in history.last?.sources ?? [] {
                let cells = [
                    source.state, source.position.map(Self.whole) ?? "–", source.head.map(Self.whole) ?? "–",
                    source.lag.map { Text.latency(seconds: $0) } ?? "–", name,
                ]
                lines.append(Self.line("  " + source.name, cells, Self.leastColumn + 1))
            }
        }
        guard !lines.isEmpty else { return [] }
        return ["", Self.line("sources", ["state", "position", "head", "lag", "node"], Self.leastColumn + 1)] + lines
    }

    static func whole(_ value: Double) -> String {
        Int(exactly: value.rounded()).map(Text.grouped) ?? "–"
    }

    // MARK: Lines

    /// A line for each node, for outputs that are kept: names and values with `=` between.
    package func lines(at time: String) -> [String] {
        zip(self.names, self.histories).map { name, history in
            guard let last = history.last else {
                return "\(time) node=\(name) state=unreachable reason=\"\(history.trouble ?? "not asked yet")\""
            }
            let figures = Row.all.map { row in "\(row.word)=\(row.plain(history))" }
            let stale = last.sources.filter { $0.state == "stale" || $0.state == "stopped" }.map(\.name)
            return
                (["\(time) node=\(name)"] + figures + (stale.isEmpty ? [] : ["stale=\(stale.joined(separator: ","))"]))
                .joined(separator: " ")
        }
    }
}
