// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load fanout`.
struct FanoutCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanout",
        abstract: "Publishes to channels that every subscriber follows; measures deliveries and latency."
    )

    @OptionGroup var options: TargetOptions
    @OptionGroup var publishing: PublishingOptions
    @OptionGroup var timing: TimingOptions

    @Option(help: "How many subscribers.")
    var subscribers = 1_000

    @Option(help: "Channels that each of them follows.")
    var channels = 1

    @Option(help: "The events' type: a public one.")
    var type = "chainEvent"

    func validate() throws {
        try TargetOptions.check([("subscribers", self.subscribers, 1_000_000), ("channels", self.channels, 1_000)])
    }

    func scenario(_ target: Target, _ output: Output) -> any Scenario {
        StreamScenario.fanout(
            target,
            subscribers: self.subscribers,
            channels: self.channels,
            type: self.type,
            self.publishing.publishing(.window(1)),
            self.timing.timing
        )
    }
}
