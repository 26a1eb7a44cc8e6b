// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import LoadKit
import Terminal

/// A command that runs a scenario, tells how it goes and how it ended.
protocol ScenarioCommand: AsyncParsableCommand {
    var options: TargetOptions { get }

    /// The scenario as asked for.
    func scenario(_ target: Target, _ output: Output) throws -> any Scenario
}

extension ScenarioCommand {
    func run() async throws {
        let output = Output(self.options)
        let outcome: Outcome
        do {
            let scenario = try self.scenario(self.options.target(), output)
            outcome = try await scenario.run { output.show($0) }
        } catch {
            output.clear()
            output.printError(String(describing: error))
            throw ExitCode(1)
        }
        output.clear()
        try output.finish(json: outcome.json, table: outcome.table, to: self.options.report)
        guard outcome.isClean else { throw ExitCode(1) }
    }
}

extension Output {
    /// Writes a result: the line of JSON to where it was asked for, the table to the standard output.
    func finish(json: [UInt8], table: String, to path: String?) throws {
        if let path {
            do {
                try Self.append(json + [UInt8(ascii: "\n")], to: path)
            } catch {
                self.printError("cannot write the report \(path): \(error.localizedDescription)")
                throw ExitCode(1)
            }
        }
        if path != "-" { StandardStream.output.write(Array((table + "\n").utf8)) }
    }

    private static func append(_ bytes: [UInt8], to path: String) throws {
        if path == "-" { return StandardStream.output.write(bytes) }
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(bytes))
    }
}
