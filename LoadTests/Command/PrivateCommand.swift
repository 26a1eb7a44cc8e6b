// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load private`.
struct PrivateCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "private",
        abstract: "Publishes to many channels with one subscriber each, at random; nobody may get another's event."
    )

    @OptionGroup var options: TargetOptions
    @OptionGroup var publishing: PublishingOptions
    @OptionGroup var timing: TimingOptions

    @Option(help: "How many channels, and subscribers.")
    var channels = 5_000

    @Option(help: "The events' type: one that the owner of a channel may read.")
    var type = "transactionUpdate"

    @Option(help: "Decides the order of the channels.")
    var seed: UInt64 = 1

    func validate() throws {
        try TargetOptions.check([("channels", self.channels, 1_000_000)])
    }

    func scenario(_ target: Target, _ output: Output) throws -> any Scenario {
        if EventContent.ownerTypes.contains(self.type), !target.access.makesTokens {
            throw ValidationError(
                "private needs --jwt-secret or --jwt-secret-file: every subscriber has its own token."
            )
        }
        return StreamScenario.privately(
            target,
            channels: self.channels,
            type: self.type,
            seed: self.seed,
            self.publishing.publishing(.window(64)),
            self.timing.timing
        )
    }
}
