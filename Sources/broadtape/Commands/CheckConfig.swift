// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Hub
import Terminal

/// `broadtape check-config`: says what is wrong with the configuration, without starting anything.
struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check flags, environment and configuration file.",
        discussion: "Exit status 0 when `serve` would accept them, 1 with every fault on standard error otherwise."
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(
        help: "Print every setting as it holds, with where it was said: a flag, the environment, the file or a default."
    )
    var effective = false

    @Flag(help: "Print every setting there is, with what it takes and its default, as a document (Markdown).")
    var reference = false

    func run() async throws {
        if self.reference {
            // Nothing is set, so that it is the same everywhere.
            let settings = try await Settings(flags: [:], environment: [:], path: nil)
            return StandardStream.output.write(Array(SettingReference(settings).text.utf8))
        }
        let settings = try await self.options.settings()
        try settings.checkSecrets()
        if self.effective {
            StandardStream.output.print(lines: settings.effective.map(\.line))
            return
        }
        let types = settings.hub.types.all.map(\.name).joined(separator: ", ")
        StandardStream.output.print("the configuration is good; event types: \(types)")
    }
}
