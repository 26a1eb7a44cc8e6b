// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Foundation
import Hub
import Logging
import SQLiteStore
import Terminal

/// `broadtape verify`: proves a tape against itself.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that a tape is not damaged, has no gap, and that its projections agree with its events.",
        discussion: """
            Reads every event. Hubs may go on working meanwhile on Postgres; a file of SQLite must not be in use. Exit \
            status 0 when nothing is wrong, 1 otherwise.
            """
    )

    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var progress: ProgressOptions

    func run() async throws {
        LogFormat.text.begin()
        let settings = try await self.options.settings()
        var logger = Logger(label: "broadtape")
        logger.logLevel = max(settings.logLevel, .warning)
        guard settings.database != .memory else {
            throw ConfigurationFault("a tape in memory ends with its hub; name a database with --database")
        }
        let tape = try await settings.database.open(allowsMigration: false, examines: false, logger: logger)
        let output = self.progress.output
        let result: Result<Verification.Report, TapeFault>
        var damage: [String] = []
        do throws(TapeFault) {
            // First, as it says where the damage is and what is read through it may be anything.
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
                let extent = "\(damage.count) findings in the file; its events cannot all be read"
                StandardStream.output.print("\(extent): \(error.explanation)")
                throw ExitCode.failure
            }
            throw ConfigurationFault(error.explanation)
        }
        let extent = "\(report.channels) channels, \(report.entries) entries, \(report.rows) rows"
        StandardStream.output.print("\(extent); \(report.findingCount + damage.count) findings")
        if report.skipped > 0 { StandardStream.output.print("\(report.skipped) entries could not be projected") }
        for channel in report.unsettled {
            StandardStream.output.print(
                "\(channel): changed whenever it was compared; try again when less is published"
            )
        }
        guard report.findingCount == 0, damage.isEmpty, report.unsettled.isEmpty else { throw ExitCode.failure }
    }
}
