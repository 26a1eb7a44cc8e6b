// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Hub
import Terminal

/// `broadtape check-config`: validates the configuration without starting anything.
struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate flags, environment and configuration file.",
        discussion: "Exit status 0 if `serve` would accept them, otherwise 1 with all errors on standard error."
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(
        help: "Print the effective value of each setting and its origin: flag, environment, file or default."
    )
    var effective = false

    @Flag(help: "Print the reference of all settings with accepted values and defaults, in Markdown.")
    var reference = false

    func run() async throws {
        if self.reference {
            // Nothing is set, so the reference is the same everywhere.
            let settings = try await Settings(flags: [:], environment: [:], path: nil)
            return StandardStream.output.write(Array(SettingReference(settings).text.utf8))
        }
        let settings = try await self.options.settings(checksSecrets: true)
        if self.effective {
            StandardStream.output.print(lines: settings.effective.map(\.line))
            return
        }
        let types = settings.hub.types.all.map(\.name).joined(separator: ", ")
        StandardStream.output.print("the configuration is valid; event types: \(types)")
    }
}
