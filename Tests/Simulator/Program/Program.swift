// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SimulatorRuntime

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadtape-simulator",
        abstract: "Runs clusters of the real hub in one process: seeded, with virtual time and everything that fails."
    )

    @Option(help: "How many seeds to run.")
    var seeds = 1_000

    @Option(help: "The first seed.")
    var from: UInt64 = 1

    @Option(help: "Run this seed alone, and tell its timeline.")
    var seed: UInt64?

    @Option(help: "With --seed: the numbers of the actions to keep, separated by commas, or none.")
    var keep: String?

    @Flag(help: "With --seed: do not shrink the scenario.")
    var whole = false

    @Flag(help: "Stop at the first seed that fails.")
    var stop = false

    @Option(help: "Processes at a time; by default one for each processor.")
    var jobs = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    @Flag(help: "Lose some of the hub's messages, to see a broken promise.")
    var loseMessages = false

    func run() throws {
        #if !os(Linux)
        throw ValidationError("the simulator needs Linux")
        #endif
        unsafe simulation_fix_process(CommandLine.unsafeArgv)
        let runner = Runner(losesMessages: self.loseMessages)
        if let seed {
            try self.replay(seed, runner)
        } else {
            try self.sweep(runner)
        }
    }

    private func replay(_ seed: UInt64, _ runner: Runner) throws {
        let kept = self.keep.map { $0.split(separator: ",").compactMap { Int($0) } }
        let outcome = runner.run(seed, keeping: kept, isVerbose: true)
        print(outcome.text, terminator: "")
        guard !outcome.isWell else { return }
        if kept == nil, !self.whole { runner.shrink(seed) }
        throw ExitCode.failure
    }

    private func sweep(_ runner: Runner) throws {
        let seeds = self.from..<self.from + UInt64(max(0, self.seeds))
        let failed = runner.sweep(seeds, jobs: self.jobs, stops: self.stop)
        print("\(seeds.count) seeds, \(failed.count) failed")
        guard let first = failed.first else { return }
        runner.shrink(first)
        throw ExitCode.failure
    }
}
