// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Foundation
import Hub
import Logging
import SQLiteStore
import Terminal

/// `broadtape verify`: checks the consistency of a tape.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a tape for damage and gaps, and its projections against its events.",
        discussion: """
            Reads every event. With Postgres, hubs may keep running; an SQLite file must not be in use. Exit status 0 \
            if nothing is wrong, 1 if something is, 2 if it could not be checked.
            """
    )

    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var progress: ProgressOptions

    func run() async throws {
        try await ConfigurationFault.unlessUnchecked { try await self.verify() }
    }

    private func verify() async throws {
        LogFormat.text.begin()
        let settings = try await self.options.settings()
        var logger = Logger(label: "broadtape")
        logger.logLevel = max(settings.logLevel, .warning)
        guard settings.database != .memory else {
            throw ConfigurationFault("a tape in memory ends with its hub; give a database with --database")
        }
        let tape = try await settings.database.open(allowsMigration: false, examines: false, logger: logger).tape
        let output = self.progress.output
        let result: Result<Verification.Report, TapeFault>
        var damage: [String] = []
        do throws(TapeFault) {
            // First, because it locates the damage, and data read from a damaged file may be anything.
            damage = try await (tape as? SQLiteTape)?.damage() ?? []
            for finding in damage { StandardStream.output.print("file: \(finding)") }
            let verification = Verification(tape: tape, types: settings.hub.types)
            result = .success(
                try await verification.run { finding in
                    output.clear()
                    StandardStream.output.print("\(finding.place): \(finding.text)")
                } progress: { progress in
                    output.show(
                        Advance(
                            "verifying",
                            done: progress.entries,
                            of: progress.total,
                            unit: "entries",
                            note: "\(Text.grouped(progress.channels)) channels"
                        )
                    )
                }
            )
        } catch {
            result = .failure(error)
        }
        output.clear()
        await tape.close()
        let report: Verification.Report
        do throws(TapeFault) {
            report = try result.get()
        } catch {
            guard damage.isEmpty else {
                let extent = "\(damage.count) findings in the file; not all of its events can be read"
                StandardStream.output.print("\(extent): \(error.explanation)")
                throw ExitCode.failure
            }
            throw ConfigurationFault(error)
        }
        let extent = "\(report.channels) channels, \(report.entries) entries, \(report.rows) rows"
        StandardStream.output.print("\(extent); \(report.findingCount + damage.count) findings")
        if report.skipped > 0 { StandardStream.output.print("\(report.skipped) entries could not be projected") }
        for channel in report.unsettled {
            StandardStream.output.print(
                "\(channel): changed during each comparison; try again when less is published"
            )
        }
        guard report.findingCount == 0, damage.isEmpty else { throw ExitCode.failure }
        guard report.unsettled.isEmpty else { throw ConfigurationFault.unchecked }
    }
}
