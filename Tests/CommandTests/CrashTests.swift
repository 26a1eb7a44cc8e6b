// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import HubTestSupport
import JSON
import NIOCore
import Testing

/// `kill -9` in the middle of a replay: the load tester follows every subscriber and every acknowledged event across it.
@Suite(.serialized)
struct CrashTests {
    private static let events = 600
    private static let subscribers = 12
    private static let secret = "a secret of at least thirty-two bytes"

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func nothingIsLostDoubledOrReorderedAcrossKills(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let folder = try Folder()
        defer { folder.remove() }
        let trace = folder.path("trace.ndjson")
        try Self.trace(using: &random).write(toFile: trace, atomically: true, encoding: .utf8)

        var hub = try await HubProcess(in: folder, port: 0, secret: Self.secret)
        defer { hub.kill() }
        let port = hub.port
        let report = folder.path("report.json")
        let load = try Child(
            "broadtape-load",
            [
                "replay", trace, "--to", "http://127.0.0.1:\(port)", "--subscribers", "\(Self.subscribers)",
                "--speed", "max", "--batch", "3", "--in-flight", "2", "--jwt-secret", Self.secret,
                "--report", report,
            ],
            output: folder.path("load.log")
        )
        defer { load.kill() }
        for _ in 0..<2 {
            // Each life of the hub counts its own events: the kill comes after some of them, in the middle of others.
            let after = Int.random(in: 20...150, using: &random)
            try await hub.waitUntil(accepted: after)
            hub.kill()
            hub = try await HubProcess(in: folder, port: port, secret: Self.secret)
        }
        let status = await load.exit()
        #expect(status == 0, "\(folder.text("load.log"))")
        let result = try JSON.Value.parse(Array(folder.text("report.json").utf8))
        #expect(result["acknowledged"]?.integer == Self.events)
        for count in ["lost", "duplicated", "reordered", "wrong", "unacknowledged"] {
            #expect(result[count]?.integer == 0, "\(count)")
        }
        #expect(result["connectionsLost"]?.integer ?? 0 >= Self.subscribers)
    }

    /// Transfers between four users, with their balances, and rates.
    private static func trace(using random: inout SplitMix) -> String {
        let users = ["u_1", "u_2", "u_3", "u_4"]
        return (0..<Self.events).map { number in
            let time = "2026-11-20T16:00:00.\(String(1000 + number % 1000).dropFirst())Z"
            let pair = users.shuffled(using: &random).prefix(2)
            return switch number % 3 {
            case 0:
                #"{"type":"transactionUpdate","keys":["\#(pair[0])","\#(pair[1])"],"time":"\#(time)","#
                    + #""data":{"type":"p2p","amount":"\#(number).50","status":"completed"}}"#
            case 1:
                #"{"type":"balanceUpdate","time":"\#(time)","data":{"userId":"\#(pair[0])","balance":"\#(number).25"}}"#
            default:
                #"{"type":"rateChange","time":"\#(time)","data":{"pair":"BTC/USDT","rate":"61000.\#(number)"}}"#
            }
        }.joined(separator: "\n")
    }
}

private struct Folder {
    let url: URL

    init() throws {
        self.url = FileManager.default.temporaryDirectory.appendingPathComponent("broadtape-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String {
        self.url.appendingPathComponent(name).path
    }

    func text(_ name: String) -> String {
        (try? String(contentsOfFile: self.path(name), encoding: .utf8)) ?? ""
    }

    func remove() {
        try? FileManager.default.removeItem(at: self.url)
    }
}

/// A program of this package, running.
private struct Child {
    private let process = Process()
    private let exits: AsyncStream<Int32>

    /// - Parameter output: File that gets standard output and standard error.
    init(_ program: String, _ arguments: [String], output: String) throws {
        let programs =
            ProcessInfo.processInfo.environment["BROADTAPE_PROGRAMS"].map { URL(fileURLWithPath: $0) }
            ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        self.process.executableURL = programs.appendingPathComponent(program)
        self.process.arguments = arguments
        if !FileManager.default.fileExists(atPath: output) {
            _ = FileManager.default.createFile(atPath: output, contents: nil)
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        try file.seekToEnd()
        self.process.standardOutput = file
        self.process.standardError = file
        let (exits, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.exits = exits
        self.process.terminationHandler = { process in
            continuation.yield(process.terminationStatus)
            continuation.finish()
        }
        try self.process.run()
    }

    var isRunning: Bool { self.process.isRunning }

    /// The exit status, once there is one.
    func exit() async -> Int32 {
        for await status in self.exits { return status }
        return self.process.terminationStatus
    }

    func kill() {
        guard self.process.isRunning else { return }
        Foundation.kill(self.process.processIdentifier, SIGKILL)
        self.process.waitUntilExit()
    }
}

/// A hub that can be killed and started again on the same file and port.
private struct HubProcess {
    let port: Int
    private let adminPort: Int
    private let child: Child

    init(in folder: Folder, port: Int, secret: String) async throws {
        let log = folder.path("hub-\(UUID().uuidString).log")
        let child = try Child(
            "broadtape",
            [
                "serve", "--port", "\(port)", "--admin-port", "0", "--database",
                "sqlite:\(folder.path("tape.db"))", "--jwt-secret", secret,
            ],
            output: log
        )
        self.child = child
        self.port = try await Self.port(in: log, "listening", child)
        self.adminPort = try await Self.port(in: log, "admin port", child)
    }

    /// Reads a port from the line of the log that tells of it.
    private static func port(in log: String, _ message: String, _ child: Child) async throws -> Int {
        var port: Int?
        try await eventually(message) {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").last { $0.hasSuffix(message) }
            port = line?.firstMatch(of: #/address=\S*:(\d+)/#).flatMap { Int($0.1) }
            return port != nil
        }
        return try #require(port)
    }

    /// Returns once this process has committed so many events.
    func waitUntil(accepted count: Int) async throws {
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(self.adminPort)/metrics")
        try await eventually("\(count) events") {
            let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(5))
            let text = (try? await response?.body.collect(upTo: 1 << 20)).map { String(buffer: $0) } ?? ""
            let value = text.firstMatch(of: #/\nbroadtape_events_accepted_total (\d+)/#).flatMap { Int($0.1) }
            return (value ?? 0) >= count
        }
    }

    func kill() {
        self.child.kill()
    }
}
