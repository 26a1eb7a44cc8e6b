// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON

/// Counts instructions, which repeat where times do not: runs this program again under `perf stat`, or `valgrind`
/// where there are no hardware counters, with two counts of iterations, and takes the difference.
struct InstructionCounter: Sendable {
    enum Tool: String, Sendable {
        case perf
        case valgrind
    }

    struct Unavailable: Error, CustomStringConvertible {
        let description: String
    }

    let tool: Tool
    private let path: String
    /// What is run: a copy without debugging information, which valgrind cannot read in a statically linked program.
    private let program: String

    /// Finds a tool that counts on this machine.
    init() throws {
        let own = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).path } ?? "/proc/self/exe"
        for tool in [Tool.perf, .valgrind] {
            guard let path = Self.find(tool.rawValue) else { continue }
            var counter = InstructionCounter(tool: tool, path: path, program: "/bin/true")
            guard (try? counter.count([])) != nil else { continue }
            counter = InstructionCounter(tool: tool, path: path, program: Self.stripped(own) ?? own)
            self = counter
            return
        }
        throw Unavailable(description: "neither perf (with hardware counters) nor valgrind can count here")
    }

    private init(tool: Tool, path: String, program: String) {
        self.tool = tool
        self.path = path
        self.program = program
    }

    /// Makes a copy without debugging information; nil where there is no `strip`. It stays in the temporary folder
    /// under one name.
    private static func stripped(_ program: String) -> String? {
        guard let strip = Self.find("strip") else { return nil }
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("broadtape-bench-stripped").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: strip)
        process.arguments = ["--strip-debug", "-o", copy, program]
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        return process.terminationStatus == 0 ? copy : nil
    }

    private static func find(_ name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Instructions of one operation.
    func perOperation(of benchmark: Benchmark, iterations: Int) throws -> Double {
        func count(_ iterations: Int) throws -> Int {
            try self.count(["--only", benchmark.name, "--iterations", "\(iterations)"])
        }
        let (few, many) = (try count(iterations), try count(3 * iterations))
        return Double(many - few) / Double(2 * iterations * benchmark.operations)
    }

    /// Instructions of a program, in user mode.
    private func count(_ arguments: [String]) throws -> Int {
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: self.path)
        switch self.tool {
        case .perf:
            process.arguments = ["stat", "-x,", "-e", "instructions:u", self.program] + arguments
        case .valgrind:
            process.arguments = ["--tool=callgrind", "--callgrind-out-file=/dev/null", self.program] + arguments
        }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, let count = self.number(in: text) else {
            throw Unavailable(description: "\(self.tool.rawValue) did not count \(self.program): \(text.suffix(300))")
        }
        return count
    }

    private func number(in text: String) -> Int? {
        let lines = text.split(separator: "\n")
        switch self.tool {
        case .perf:
            let line = lines.last { $0.contains("instructions") }
            return line?.split(separator: ",").first.flatMap { Int(decimal: $0, in: .seq) }
        case .valgrind:
            let line = lines.last { $0.contains("Collected :") }
            return line?.split(separator: " ").last.flatMap { Int(decimal: $0, in: .seq) }
        }
    }
}
