// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load slow`.
struct SlowCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "slow",
        abstract: "Some readers stop reading for a time: the others must not feel it, and the slow ones lose nothing.",
        discussion: """
            Slow readers follow a type of which every event has to arrive, or one of which the newest counts, in turn; \
            fast ones follow both.
            """
    )

    @OptionGroup var options: TargetOptions
    @OptionGroup var timing: TimingOptions

    @Option(help: "How many readers that read all the time.")
    var fast = 100

    @Option(help: "How many that stop.")
    var slow = 10

    @Option(help: "Events per second, half of each type.")
    var rate = 1_000.0

    @Option(help: "How long the slow ones do not read.")
    var pause = Time(.seconds(10))

    @Option(help: "Size of each event's data, in bytes.")
    var bytes = 200

    @Option(help: "socket publishes over a WebSocket, post by POST /events.")
    var publish = Way.socket

    func validate() throws {
        try TargetOptions.check([
            ("fast", self.fast, 100_000), ("slow", self.slow, 100_000), ("bytes", self.bytes, 60_000),
        ])
        guard (1...1_000_000).contains(self.rate) else {
            throw ValidationError("--rate is from 1 to 1000000 events per second.")
        }
    }

    func scenario(_ target: Target, _ output: Output) -> any Scenario {
        var settings = SlowScenario.Settings()
        settings.fast = self.fast
        settings.slow = self.slow
        settings.rate = self.rate
        settings.pause = self.pause.duration
        settings.bytes = self.bytes
        settings.way = self.publish
        return SlowScenario(target, settings, self.timing.timing)
    }
}
