// SPDX-License-Identifier: Apache-2.0

import SimulatorRuntime

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Runs seeds, each in a process of its own: a run leaves much behind, and a trap is an outcome like others.
struct Runner {
    /// Whether messages of the hub are lost, so that there is something to find.
    let losesMessages: Bool

    struct Report {
        var isWell: Bool
        var text: String
    }

    private struct Child {
        let seed: UInt64
        let process: Int32
        let output: Int32
    }

    func run(_ seed: UInt64, keeping kept: [Int]? = nil, isVerbose: Bool) -> Report {
        Self.report(of: self.start(seed, keeping: kept, isVerbose: isVerbose))
    }

    /// - Returns: The seeds that failed, ascending.
    func sweep(_ seeds: Range<UInt64>, jobs: Int, stops: Bool) -> [UInt64] {
        var failed: [UInt64] = []
        var children: [Child] = []
        func collect() {
            let child = children.removeFirst()
            let report = Self.report(of: child)
            guard !report.isWell else { return }
            failed.append(child.seed)
            print("seed \(child.seed): \(report.text.split(separator: "\n").last ?? "died")")
        }
        for seed in seeds {
            if children.count >= max(1, jobs) { collect() }
            if stops, !failed.isEmpty { break }
            children.append(self.start(seed, keeping: nil, isVerbose: false))
        }
        while !children.isEmpty { collect() }
        return failed
    }

    private func start(_ seed: UInt64, keeping kept: [Int]?, isVerbose: Bool) -> Child {
        var ends: [Int32] = [0, 0]
        unsafe pipe(&ends)
        let process = simulation_fork()
        guard process == 0 else {
            close(ends[1])
            return Child(seed: seed, process: process, output: ends[0])
        }
        dup2(ends[1], STDOUT_FILENO)
        if !isVerbose { Self.silenceErrors() }
        var scenario = Scenario(seed: seed)
        scenario.losesMessages = self.losesMessages
        if let kept { scenario.actions.removeAll { !kept.contains($0.number) } }
        let outcome = Run.perform(scenario, isVerbose: isVerbose)
        Self.printOutcome(outcome, isVerbose: isVerbose)
        _exit(outcome.violation == nil ? 0 : 1)
    }

    private static func silenceErrors() {
        let nothing = unsafe open("/dev/null", O_WRONLY)
        dup2(nothing, STDERR_FILENO)
    }

    private static func printOutcome(_ outcome: Run.Outcome, isVerbose: Bool) {
        var text = outcome.timeline.map { $0 + "\n" }.joined()
        if isVerbose {
            text += "\(outcome.commits) events, \(outcome.steps) steps, digest \(String(outcome.digest, radix: 16))\n"
        }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func report(of child: Child) -> Report {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(child.output, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer.prefix(count)
        }
        close(child.output)
        var status: Int32 = 0
        unsafe waitpid(child.process, &status, 0)
        var report = Report(isWell: status == 0, text: String(decoding: text, as: UTF8.self))
        if status & 0x7f != 0 { report.text += "VIOLATION: the process died with signal \(status & 0x7f)\n" }
        return report
    }
}
