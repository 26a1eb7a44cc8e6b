// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadKit

/// `broadtape-load replay`.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Publishes recorded events and checks that every subscriber gets all of them.",
        discussion: """
            TRACE is NDJSON of events (one {"type":…,"time":…,"data":{…}} per line) or a log of what an exchange sent \
            (one <unix seconds>: <JSON> per line; Binance bookTicker, Coinbase ticker and match become rateChange). \
            Exits with 1 when an event is lost, duplicated, out of order or wrong.
            """
    )

    @Argument(help: "The file with the recorded events.")
    var trace: String

    @OptionGroup var options: TargetOptions

    @Option(help: "How many connections follow all channels of the trace.")
    var subscribers = 100

    @Option(help: "1 for the recorded times, 10 for ten times faster, max for as fast as events are acknowledged.")
    var speed = "max"

    @Option(help: "Publish requests in flight; a channel's events stay in order.")
    var inFlight = 4

    @Option(help: "Events per request at speed max.")
    var batch = 64

    @Option(name: .customLong("private"), help: "A type that only a channel's owner reads, besides the built-in ones.")
    var privateTypes: [String] = []

    func validate() throws {
        guard Speed(self.speed) != nil else { throw ValidationError("--speed is a number such as 1 or 10, or max.") }
        try TargetOptions.check([
            ("subscribers", self.subscribers, 100_000), ("in-flight", self.inFlight, 1_000),
            ("batch", self.batch, 10_000),
        ])
    }

    func run() async throws {
        let output = Output(self.options)
        let report: Report
        do {
            var settings = Replay.Settings(target: try self.options.target())
            settings.subscribers = self.subscribers
            settings.speed = Speed(self.speed) ?? .max
            settings.inFlight = self.inFlight
            settings.batch = self.batch
            let trace = try TraceReader.read(
                path: self.trace,
                privateTypes: Trace.privateTypes.union(self.privateTypes)
            )
            report = try await Replay(trace, settings).run { output.show($0) }
        } catch {
            output.clear()
            output.printError(String(describing: error))
            throw ExitCode(1)
        }
        output.clear()
        try output.finish(json: report.json, table: report.table, to: self.options.report)
        guard report.isClean else { throw ExitCode(1) }
    }
}
