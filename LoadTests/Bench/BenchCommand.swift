// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Terminal

/// `broadtape-bench`.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadtape-bench",
        abstract: "Times parts of the hub.",
        subcommands: [PartsCommand.self, AppendCommand.self],
        defaultSubcommand: PartsCommand.self
    )

    static func main() async {
        await Self.runAsProgram()
    }
}

/// `broadtape-bench parts`: times the hub's inner parts, without a network.
struct PartsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parts",
        abstract: "Times the hub's inner parts in-process: a table, then a line of JSON for each."
    )

    @Option(help: "Only benchmarks whose names contain this.")
    var only: String?

    @Option(help: "Least milliseconds of one run.")
    var milliseconds = 300

    @Option(help: "Runs of each benchmark; the median counts.")
    var runs = 5

    @Flag(help: "Count instructions too, with perf or valgrind.")
    var instructions = false

    @Option(help: ArgumentHelp("Only do so many iterations, once, and say nothing.", visibility: .hidden))
    var iterations: Int?

    func validate() throws {
        guard (1...60_000).contains(self.milliseconds), (1...100).contains(self.runs) else {
            throw ValidationError("--milliseconds is from 1 to 60000, --runs from 1 to 100.")
        }
        guard !self.chosen.isEmpty else {
            let names = Benchmark.all.map(\.name).joined(separator: ", ")
            throw ValidationError("There is no benchmark \"\(self.only ?? "")\"; there are \(names).")
        }
    }

    private var chosen: [Benchmark] {
        guard let only = self.only else { return Benchmark.all }
        let exact = Benchmark.all.filter { $0.name == only }
        return exact.isEmpty ? Benchmark.all.filter { $0.name.contains(only) } : exact
    }

    func run() async throws {
        if let iterations = self.iterations {
            for benchmark in self.chosen { _ = try await benchmark.prepare()(max(1, iterations)) }
            return
        }
        let counter = self.instructions ? try InstructionCounter() : nil
        let output = StandardStream.output
        output.print(lines: [
            Conditions.text, "\(self.runs) runs of at least \(self.milliseconds) ms each", "", Result.header,
        ])
        let runner = Runner(runTime: .milliseconds(self.milliseconds), runs: self.runs)
        var results: [Result] = []
        for benchmark in self.chosen {
            var result = try await runner.run(benchmark)
            // So few that valgrind, fifty times slower, takes seconds.
            let few = max(10, min(1_000, result.iterations / 20))
            result.instructions = try counter?.perOperation(of: benchmark, iterations: few)
            output.print(result.row)
            results.append(result)
        }
        output.print(lines: [""] + results.map(\.json))
    }
}
