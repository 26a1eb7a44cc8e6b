// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load churn`.
struct ChurnCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "churn",
        abstract: "Subscribers come and go while events flow, and resume; nothing may be missing in the end."
    )

    @OptionGroup var options: TargetOptions
    @OptionGroup var timing: TimingOptions

    @Option(help: "How many subscribers.")
    var subscribers = 1_000

    @Option(help: "Channels that each of them follows.")
    var channels = 2

    @Option(help: "The events' type: a public one.")
    var type = "chainEvent"

    @Option(help: "Goings per second: half close the connection, half leave one channel; all come back soon.")
    var churn = 100.0

    @Option(help: "Events per second.")
    var rate = 100.0

    @Option(help: "socket publishes over a WebSocket, post by POST /events.")
    var publish = Way.socket

    @Option(help: "Size of each event's data, in bytes.")
    var bytes = 200

    func validate() throws {
        try TargetOptions.check([
            ("subscribers", self.subscribers, 1_000_000), ("channels", self.channels, 1_000),
            ("bytes", self.bytes, 60_000),
        ])
        guard (0.1...100_000).contains(self.churn), (0.1...1_000_000).contains(self.rate) else {
            throw ValidationError("--churn is from 0.1 to 100000 per second, --rate from 0.1 to 1000000.")
        }
    }

    func scenario(_ target: Target, _ output: Output) -> any Scenario {
        var publishing = Publishing()
        publishing.pace = .rate(self.rate)
        publishing.batch = 100
        publishing.way = self.publish
        publishing.bytes = self.bytes
        return StreamScenario.churning(
            target,
            subscribers: self.subscribers,
            channels: self.channels,
            type: self.type,
            Churn(rate: self.churn),
            publishing,
            self.timing.timing
        )
    }
}
