// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Terminal

/// `broadtape-bench append`: appends events to a Postgres database as a hub does for many publishers at once.
struct AppendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append",
        abstract: "Appends events to a Postgres database, through the hub's writer; prints a line of JSON.",
        discussion: "`LoadTests/Bench/postgres.py` sets the figures beside those of COPY and pgbench."
    )

    @Option(help: "postgres:// URL of a database; it is set up if it is empty.")
    var database: String

    @Option(help: "Channels that events go to at random.")
    var channels = 10_000

    @Option(help: "Publishers at once; each waits for its answer.")
    var publishers = 64

    @Option(help: "Events of one request.")
    var batch = 100

    @Option(help: "Events that count; half as many come before.")
    var events = 400_000

    @Option(help: "Bytes of `data`.")
    var bytes = 200

    func validate() throws {
        guard (1...1_000_000).contains(self.channels), (1...10_000).contains(self.publishers),
            (1...10_000).contains(self.batch), (8...60_000).contains(self.bytes),
            (self.publishers * self.batch...10_000_000).contains(self.events)
        else {
            throw ValidationError(
                """
                --channels is from 1 to 1000000, --publishers and --batch from 1 to 10000, --bytes from 8 to 60000, \
                --events from one request of each publisher to 10000000.
                """
            )
        }
    }

    func run() async throws {
        let load = AppendLoad(
            channels: self.channels,
            publishers: self.publishers,
            batch: self.batch,
            rounds: self.events / self.publishers / self.batch,
            bytes: self.bytes,
            warmUp: self.events / self.publishers / self.batch / 2
        )
        StandardStream.output.print(try await load.run(database: self.database).json)
    }
}
