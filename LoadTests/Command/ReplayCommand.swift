// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Client
import Foundation
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

    @Option(help: "Where the hub is, such as http://127.0.0.1:8080.")
    var to: String

    @Option(help: "How many connections follow all channels of the trace.")
    var subscribers = 100

    @Option(help: "1 for the recorded times, 10 for ten times faster, max for as fast as events are acknowledged.")
    var speed = "max"

    @Option(help: "A token for publishing and subscribing. Also taken from BROADTAPE_TOKEN.")
    var token: String?

    @Option(help: "The secret that the hub checks tokens with; tokens are made with it.")
    var jwtSecret: String?

    @Option(help: "A file with that secret.")
    var jwtSecretFile: String?

    @Option(help: "Publish requests in flight; a channel's events stay in order.")
    var inFlight = 4

    @Option(help: "Events per request at speed max.")
    var batch = 64

    @Option(help: "Threads for the subscribers' connections.")
    var loops = 1

    @Option(help: "How long an outage of the hub is waited for, such as 60s or 2m.")
    var patience = "60s"

    @Option(name: .customLong("private"), help: "A type that only a channel's owner reads, besides the built-in ones.")
    var privateTypes: [String] = []

    @Option(help: "Appends the result as one line of JSON to this file; - is the standard output.")
    var report: String?

    func validate() throws {
        guard Speed(self.speed) != nil else { throw ValidationError("--speed is a number such as 1 or 10, or max.") }
        guard Self.duration(self.patience) != nil else {
            throw ValidationError("--patience is a time such as 60s or 2m.")
        }
        for (option, value, limit) in [
            ("subscribers", self.subscribers, 100_000), ("in-flight", self.inFlight, 1_000),
            ("batch", self.batch, 10_000), ("loops", self.loops, 64),
        ] where !(1...limit).contains(value) {
            throw ValidationError("--\(option) is from 1 to \(limit).")
        }
        guard [self.token, self.jwtSecret, self.jwtSecretFile].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("Give one of --token, --jwt-secret and --jwt-secret-file.")
        }
    }

    func run() async throws {
        let output = Output()
        let report: Report
        do {
            var settings = Replay.Settings(address: try HubAddress(self.to))
            settings.subscribers = self.subscribers
            settings.speed = Speed(self.speed) ?? .max
            settings.access = try self.access()
            settings.inFlight = self.inFlight
            settings.batch = self.batch
            settings.loops = self.loops
            settings.patience = Self.duration(self.patience) ?? settings.patience
            let trace = try TraceReader.read(
                path: self.trace,
                privateTypes: Trace.privateTypes.union(self.privateTypes)
            )
            report = try await Replay(trace, settings).run { output.show($0) }
        } catch {
            output.clear()
            output.complain(String(describing: error))
            throw ExitCode(1)
        }
        output.clear()
        if let path = self.report {
            do {
                try Self.append(report.json + [UInt8(ascii: "\n")], to: path)
            } catch {
                output.complain("cannot write the report \(path): \(error.localizedDescription)")
                throw ExitCode(1)
            }
        }
        if self.report != "-" { print(report.table) }
        guard report.isClean else { throw ExitCode(1) }
    }

    private func access() throws -> Access {
        if let file = self.jwtSecretFile {
            let secret: String
            do {
                secret = try String(contentsOfFile: file, encoding: .utf8)
            } catch {
                throw ValidationError("cannot read --jwt-secret-file \(file): \(error.localizedDescription)")
            }
            return .secret(TokenMaker(secret: secret.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
        if let secret = self.jwtSecret { return .secret(TokenMaker(secret: secret)) }
        if let token = self.token ?? ProcessInfo.processInfo.environment["BROADTAPE_TOKEN"], !token.isEmpty {
            return .token(token)
        }
        return .anonymous
    }

    private static func append(_ bytes: [UInt8], to path: String) throws {
        if path == "-" { return try FileHandle.standardOutput.write(contentsOf: Data(bytes)) }
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(bytes))
    }

    /// Reads `500ms`, `60s`, `2m` or `1h`; a number alone is seconds.
    static func duration(_ text: String) -> Duration? {
        let units: [(suffix: String, milliseconds: Int)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        for unit in units where text.hasSuffix(unit.suffix) {
            return Int(text.dropLast(unit.suffix.count)).flatMap {
                (0...86_400_000 / unit.milliseconds).contains($0) ? .milliseconds($0 * unit.milliseconds) : nil
            }
        }
        return Int(text).flatMap { (0...86_400).contains($0) ? .seconds($0) : nil }
    }
}
