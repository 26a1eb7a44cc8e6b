// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Terminal

/// `broadtape-load`: puts load on a hub and checks what comes of it.
@main
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadtape-load",
        abstract: "Puts load on a hub, and checks that every event arrives once and in order.",
        subcommands: [
            ConnectCommand.self, IdleCommand.self, FanoutCommand.self, PrivateCommand.self, ResumeCommand.self,
            SlowCommand.self, ChurnCommand.self, RecordCommand.self, ReplayCommand.self,
        ]
    )

    static func main() async {
        await Self.runAsProgram()
    }
}
