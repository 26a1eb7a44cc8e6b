// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load resume`.
struct ResumeCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Clients miss events and come back together; measures how long it takes until all have everything."
    )

    @OptionGroup var options: TargetOptions

    @Option(help: "How many clients.")
    var clients = 1_000

    @Option(help: "Channels that they are spread over.")
    var channels = 1

    @Option(help: "Events that each of them misses.")
    var missed = 1_000

    @Option(help: "The events' type: a public one of which every event arrives.")
    var type = "chainEvent"

    @Option(help: "Over how long they come back; all at once unless given.")
    var over = Time(.zero)

    @Option(help: "Size of each event's data, in bytes.")
    var bytes = 200

    @Flag(help: "Wait, after publishing, until the hub was restarted; use --pid @FILE to measure the new process.")
    var waitRestart = false

    func validate() throws {
        try TargetOptions.check([
            ("clients", self.clients, 1_000_000), ("channels", self.channels, 100_000),
            ("missed", self.missed, 1_000_000), ("bytes", self.bytes, 60_000),
        ])
        guard self.missed * self.channels <= 10_000_000 else {
            throw ValidationError("--missed times --channels is at most 10000000.")
        }
    }

    func scenario(_ target: Target, _ output: Output) -> any Scenario {
        var settings = ResumeScenario.Settings()
        settings.clients = self.clients
        settings.channels = self.channels
        settings.missed = self.missed
        settings.type = self.type
        settings.over = self.over.duration
        settings.waitsForRestart = self.waitRestart
        settings.bytes = self.bytes
        return ResumeScenario(target, settings) { output.printError($0) }
    }
}
