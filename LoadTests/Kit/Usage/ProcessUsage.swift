// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON

/// What a process has used, as `/proc` tells (proc(5)).
package struct ProcessUsage: Sendable, Equatable {
    /// Seconds of CPU, in user and kernel mode, of all its threads.
    package var cpuSeconds: Double
    /// Resident memory, in bytes.
    package var residentBytes: Int

    /// Creates a sum.
    init(cpuSeconds: Double, residentBytes: Int) {
        self.cpuSeconds = cpuSeconds
        self.residentBytes = residentBytes
    }

    /// Reads the texts of `/proc/PID/stat` and `/proc/PID/status`; nil when they are something else.
    /// - Parameter ticks: Clock ticks per second.
    init?(stat: String, status: String, ticks: Int) {
        // The name, in parentheses, may hold blanks and parentheses.
        guard let parenthesis = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[parenthesis...].dropFirst().split(separator: " ")
        guard fields.count > 12, let user = Int(decimal: fields[11], in: .seq),
            let kernel = Int(decimal: fields[12], in: .seq)
        else { return nil }
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let words = line?.dropFirst(6).split(whereSeparator: \.isWhitespace)
        guard let kilobytes = words?.first.flatMap({ Int(decimal: $0, in: 0...1 << 50) }) else { return nil }
        self.cpuSeconds = Double(user + kernel) / Double(ticks)
        self.residentBytes = kilobytes * 1024
    }

    /// Reads what a process has used; nil when there is none, or no `/proc`.
    package init?(of process: Int) {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        else { return nil }
        let ticks = Int(clamping: sysconf(Int32(_SC_CLK_TCK)))
        self.init(stat: stat, status: status, ticks: ticks > 0 ? ticks : 100)
    }
}
