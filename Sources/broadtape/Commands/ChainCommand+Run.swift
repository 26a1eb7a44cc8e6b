// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension ChainCommand {
    /// `broadtape chain run`
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow the configured chains and publish their events to Redis, for hubs with fan-in.",
            discussion: """
                Published events are numbered and kept in a separate database (--outbox), so that a hub that has \
                missed some can request them again.
                """
        )

        @OptionGroup var options: ConfigurationOptions

        @Option(help: "Database of the numbered events and each chain's checkpoint: sqlite:PATH or postgres://…")
        var outbox = "sqlite:var/chain.db"

        @OptionGroup var progress: ProgressOptions

        func run() async throws {
            LogFormat.text.begin()
            let settings = try await self.options.settings()
            var sources = settings.sources
            sources.rates = []
            guard !sources.names.isEmpty else {
                throw ConfigurationFault("there is no chain to follow; declare one under \"chains\" of --config FILE")
            }
            let process = OutboxProcess(name: "broadtape-chain", sources: sources, alternative: "follow the chains")
            try await process.run(settings, outbox: self.outbox) { board in
                [CatchUpDisplay(board: board, output: self.progress.output)]
            }
        }
    }
}
