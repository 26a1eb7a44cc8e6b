// SPDX-License-Identifier: Apache-2.0

import JSON
import SafeText

/// Decides what is written about a progress, and when: the state behind ``ProgressOutput``.
package struct ProgressLine: Sendable {
    /// How it is shown.
    package enum Style: Sendable, Equatable {
        /// One line that changes, on a terminal.
        case bar
        /// A line every few seconds, where the output is kept.
        case lines
        case silent
    }

    /// Between two drawings of a bar: more often cannot be read.
    private static let drawing: Duration = .milliseconds(100)
    /// Between two lines.
    private static let line: Duration = .seconds(5)
    /// Before this a rate says more about the start than about what follows.
    private static let settling = 1.0
    private static let barWidth = 24
    /// Clears the line and moves to its start.
    package static let clearing = "\r\u{1B}[K"

    private struct Phase: Sendable {
        var label: String
        var begin: ContinuousClock.Instant
        /// What was done before the first reading.
        var first: Int
    }

    private let style: Style
    private var phase: Phase?
    private var due: ContinuousClock.Instant?
    private var isShown = false

    package init(_ style: Style) {
        self.style = style
    }

    /// - Parameter width: Columns of the terminal.
    /// - Returns: What to write now; nil when nothing is due yet.
    package mutating func advanced(_ advance: Advance, at now: ContinuousClock.Instant, width: Int) -> String? {
        let period: Duration
        switch self.style {
        case .silent: return nil
        case .bar: period = Self.drawing
        case .lines: period = Self.line
        }
        if self.phase?.label != advance.label {
            self.phase = Phase(label: advance.label, begin: now, first: advance.done)
            // A bar shows the start at once; lines appear only for what takes longer than one interval.
            self.due = self.style == .bar ? now : self.due ?? now + period
        }
        guard let due, now >= due else { return nil }
        self.due = now + period
        self.isShown = true
        let text = self.text(advance, at: now)
        // The last column stays free: a terminal may wrap to the next line there.
        return self.style == .bar ? Self.clearing + Text.cut(text, to: max(1, width - 1)) : Escape.text(text) + "\n"
    }

    /// - Returns: What clears the line; nil when there is none. The next advance is shown again at once.
    package mutating func cleared() -> String? {
        guard self.style == .bar, self.isShown else { return nil }
        self.isShown = false
        self.due = self.phase?.begin
        return Self.clearing
    }

    private func text(_ advance: Advance, at now: ContinuousClock.Instant) -> String {
        var parts = [advance.label]
        if let total = advance.total, total > 0 {
            let part = min(1, max(0, Double(advance.done) / Double(total)))
            if self.style == .bar {
                let filled = Int(clamping: (part * Double(Self.barWidth)).rounded(.down), to: 0...Self.barWidth)
                parts.append(
                    "[" + String(repeating: "#", count: filled)
                        + String(repeating: ".", count: Self.barWidth - filled) + "]"
                )
            }
            // Rounded down: only what is done is 100 %.
            parts.append(Text.right("\(Int(clamping: (part * 100).rounded(.down), to: 0...100)) %", 5))
            parts.append("\(Text.grouped(advance.done)) of \(Text.grouped(total)) \(advance.unit)")
        } else {
            parts.append("\(Text.grouped(advance.done)) \(advance.unit)")
        }
        if let phase {
            let seconds = (now - phase.begin) / .seconds(1)
            let rate = Double(advance.done - phase.first) / max(seconds, 1e-9)
            if seconds >= Self.settling, rate > 0 {
                parts.append("\(Text.rate(rate))/s")
                if let total = advance.total, total > advance.done {
                    parts.append("\(Text.time(seconds: Double(total - advance.done) / rate)) left")
                }
            }
        }
        if !advance.note.isEmpty { parts.append(advance.note) }
        return parts.joined(separator: "  ")
    }
}

/// The progress of something that takes time.
package struct Advance: Sendable, Equatable {
    /// The activity, such as `verifying`. Another one begins a new measurement.
    package var label: String
    package var done: Int
    /// How much there is to do, where that is known.
    package var total: Int?
    /// What is counted, such as `events`.
    package var unit: String
    /// What else is worth knowing.
    package var note: String

    package init(_ label: String, done: Int, of total: Int? = nil, unit: String, note: String = "") {
        self.label = label
        self.done = done
        self.total = total
        self.unit = unit
        self.note = note
    }
}
