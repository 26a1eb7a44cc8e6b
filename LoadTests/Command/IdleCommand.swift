// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load idle`.
struct IdleCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Holds connections on which nothing happens; measures memory per connection (with --pid)."
    )

    @OptionGroup var options: TargetOptions

    @Option(help: "How many connections.")
    var connections = 1_000

    @Option(help: "Channels that each follows.")
    var subscriptions = 3

    @Option(name: .customLong("for"), help: "How long they are held.")
    var duration = Time(.seconds(15))

    func validate() throws {
        try TargetOptions.check([
            ("connections", self.connections, 1_000_000), ("subscriptions", self.subscriptions, 1_000),
        ])
    }

    func scenario(_ target: Target, _ output: Output) -> any Scenario {
        ConnectScenario(
            target,
            connections: self.connections,
            subscriptions: self.subscriptions,
            rate: nil,
            hold: self.duration.duration
        )
    }
}
