// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Terminal

@main
struct Broadtape: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadtape",
        abstract: "A real-time hub for money apps: committed, numbered without gaps, then broadcast.",
        subcommands: [
            Serve.self, Token.self, Publish.self, Tail.self, Channels.self, Migrate.self, Verify.self, CheckConfig.self,
            Drain.self, Doctor.self, Top.self, APIKeyCommand.self, Revoke.self, ChainCommand.self, RateCommand.self,
        ]
    )

    static func main() async {
        await Self.runAsProgram()
    }
}
