// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What figures depend on besides the program.
enum Conditions {
    /// One line for humans.
    static var text: String {
        var parts = [
            Self.model ?? "unknown processor", "\(ProcessInfo.processInfo.activeProcessorCount) cores",
            "kernel \(Self.read("/proc/sys/kernel/osrelease") ?? ProcessInfo.processInfo.operatingSystemVersionString)",
        ]
        if let governor = Self.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
            parts.append("governor \(governor)")
        }
        if let load = Self.read("/proc/loadavg") {
            parts.append("load average \(load.split(separator: " ").prefix(3).joined(separator: " "))")
        }
        #if DEBUG
        parts.append("DEBUG BUILD: these figures mean nothing")
        #endif
        return parts.joined(separator: ", ")
    }

    private static var model: String? {
        let line = Self.read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func read(_ path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
