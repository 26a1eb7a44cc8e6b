// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load connect`.
struct ConnectCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Makes connections at a rate; measures set-up and what it costs the hub.",
        discussion: """
            With --jwt-secret each connection is a user of its own, who follows the user's balance and transactions, \
            then public rates. Otherwise it follows rates alone.
            """
    )

    @OptionGroup var options: TargetOptions

    @Option(help: "How many connections.")
    var connections = 1_000

    @Option(help: "Channels that each follows.")
    var subscriptions = 3

    @Option(help: "Connections begun per second; as fast as they are let in unless given.")
    var rate: Double?

    func validate() throws {
        try TargetOptions.check([
            ("connections", self.connections, 1_000_000), ("subscriptions", self.subscriptions, 1_000),
        ])
        if let rate, !(0.1...1_000_000).contains(rate) {
            throw ValidationError("--rate is from 0.1 to 1000000 connections per second.")
        }
    }

    func scenario(_ target: Target, _ output: Output) -> any Scenario {
        ConnectScenario(
            target,
            connections: self.connections,
            subscriptions: self.subscriptions,
            rate: self.rate,
            hold: nil
        )
    }
}
