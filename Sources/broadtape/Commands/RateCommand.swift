// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `broadtape rate`: reads rates from the configured exchanges, without a hub.
struct RateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rate",
        abstract: "Read rates from exchanges in a process of its own.",
        subcommands: [Run.self],
        defaultSubcommand: Run.self
    )

    /// `broadtape rate run`
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read rates from the configured exchanges and publish them to Redis, for hubs with fan-in.",
            discussion: """
                Published rates are numbered, and the last \(Self.kept) rates of each exchange are kept in a separate \
                database (--outbox), so that a hub that has missed some can request them again.
                """
        )

        /// Number of rates kept per exchange. A hub that has missed more gets the newest of them: the latest wins.
        private static let kept = 1_000

        @OptionGroup var options: ConfigurationOptions

        @Option(help: "Database of the numbered rates: sqlite:PATH or postgres://…")
        var outbox = "sqlite:var/rate.db"

        func run() async throws {
            LogFormat.text.begin()
            let settings = try await self.options.settings()
            var sources = SourceSettings()
            sources.rates = settings.sources.rates
            guard !sources.rates.isEmpty else {
                throw ConfigurationFault("there is no exchange; declare one under \"rates\" of --config FILE")
            }
            let process = OutboxProcess(
                name: "broadtape-rate",
                sources: sources,
                alternative: "read the rates",
                kept: Self.kept,
                silencesStale: true
            )
            try await process.run(settings, outbox: self.outbox)
        }
    }
}
