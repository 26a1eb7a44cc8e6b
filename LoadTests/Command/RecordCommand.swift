// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load record`.
struct RecordCommand: ScenarioCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Writes what happens on a running hub to a trace that replay plays.",
        discussion: """
            Follows the channels named, or all that may be read, or those of them that begin with a --prefix, from now \
            on until Ctrl-C. Goes on without a gap after a connection was lost; exits with 1 if there is one.
            """
    )

    @OptionGroup var options: TargetOptions

    @Argument(help: "The file to write; it must not exist.")
    var trace: String

    @Argument(help: "Channels, such as rateChange:BTC/USDT.")
    var channels: [String] = []

    @Option(help: "Record the channels whose names begin like this, such as rateChange:. May be repeated.")
    var prefix: [String] = []

    @Option(name: .customLong("for"), help: "How long to record; until Ctrl-C unless given.")
    var duration: Time?

    func validate() throws {
        guard self.channels.isEmpty || self.prefix.isEmpty else {
            throw ValidationError("Give channels or --prefix, not both.")
        }
        for channel in self.channels where !channel.utf8.contains(UInt8(ascii: ":")) {
            throw ValidationError("\"\(channel)\" is not a channel; write it like rateChange:BTC/USDT.")
        }
    }

    func scenario(_ target: Target, _ output: Output) -> any Scenario {
        var settings = RecordScenario.Settings(path: self.trace)
        settings.channels = self.channels
        settings.prefixes = self.prefix
        settings.duration = self.duration?.duration
        return RecordScenario(target, settings) { await Interruption.wait() }
    }
}
