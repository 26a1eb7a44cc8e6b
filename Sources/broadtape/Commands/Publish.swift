// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import BroadtapeClient
import JSON
import Terminal

/// `broadtape publish`: publishes events to a hub.
struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish events, one JSON object per line.",
        discussion: """
            All events are committed when the command exits with status 0. Events without an ID get one, so that a \
            retry after a failure cannot publish an event twice.
            """
    )

    @Argument(help: "File of events; standard input if it is - or missing.")
    var file = "-"

    @Option(help: "max publishes without delay; a number replays the recorded times, that many times faster.")
    var speed = "max"

    @Flag(name: .customLong("repeat"), help: "Start again at the end, until interrupted.")
    var repeats = false

    @Flag(help: "Print each event's ID, status and positions.")
    var verbose = false

    @OptionGroup var hub: HubOptions
    @OptionGroup var progress: ProgressOptions

    private func parsedSpeed() throws -> Trace.Speed {
        if self.speed == "max" { return .unpaced }
        guard let factor = Double(decimal: self.speed, in: 0.001...1_000_000) else {
            throw ValidationError("--speed is max or a number from 0.001 to 1000000, not \"\(self.speed)\"")
        }
        return .times(factor)
    }

    func run() async throws {
        let credentials = self.hub.credentials
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: try Publisher.configuration(credentials)
        )
        do {
            try await self.publish(through: client)
            try await client.shutdown()
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func publish(through client: HTTPClient) async throws {
        let speed = try self.parsedSpeed()
        let trace = try Trace(path: self.file)
        let publisher = Publisher(
            to: try self.hub.address(),
            token: self.hub.tokenProvider,
            retries: Retries(),
            client: client
        )
        var accepted = 0
        var duplicates = 0
        let output = self.progress.output
        defer { output.clear() }
        try await trace.play(speed: speed, repeats: self.repeats) { lines in
            output.show(
                Advance(
                    "publishing",
                    done: accepted + duplicates,
                    of: self.repeats ? nil : trace.count,
                    unit: "events"
                )
            )
            let events = try lines.map {
                try BroadtapeClient.Publication(json: trace.event(at: $0, keepsTime: speed == .unpaced))
            }
            for receipt in try await publisher.publish(events) {
                switch receipt.status {
                case .accepted: accepted += 1
                case .duplicate: duplicates += 1
                }
                guard self.verbose else { continue }
                output.clear()
                let positions = receipt.positions.map { "\($0.channel)#\($0.seq)" }.joined(separator: " ")
                StandardStream.output.print("\(receipt.status.rawValue) \(receipt.id) \(positions)")
            }
        }
        output.clear()
        StandardStream.output.print("\(accepted) accepted, \(duplicates) duplicate")
    }
}
