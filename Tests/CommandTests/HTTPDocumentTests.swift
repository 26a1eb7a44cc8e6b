// SPDX-License-Identifier: Apache-2.0

import Foundation
import HubTestSupport
import JSON
import ProgramSupport
import Testing

/// The commands of `docs/http.md`, as they are written there.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HTTPDocumentTests {
    /// A shell with a part of the document, which ends with its test.
    private final class Shell: Sendable {
        private let process: Process
        let output = Watched((text: "", status: Int32?.none))

        init(_ script: String, url: String, token: String, in folder: TestFolder) throws {
            let process = Process()
            let pipe = Pipe()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", script]
            process.environment = [
                "PATH": "/usr/bin:/bin", "HOME": folder.path, "BROADTAPE_URL": url, "BROADTAPE_TOKEN": token,
            ]
            process.currentDirectoryURL = folder.url
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = pipe
            process.standardError = pipe
            let output = self.output
            let handle = pipe.fileHandleForReading
            try process.run()
            self.process = process
            Thread.detachNewThread {
                let text = String(decoding: handle.readDataToEndOfFile(), as: UTF8.self)
                process.waitUntilExit()
                output.change { $0 = (text, process.terminationStatus) }
            }
        }

        func end() {
            self.process.terminate()
        }
    }

    /// The blocks of a kind: `sh` runs to its end, `sh follow` never ends.
    private static func blocks(_ kind: String) throws -> [String] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/http.md")
        let text = try String(contentsOf: path, encoding: .utf8)
        return text.components(separatedBy: "\n```\(kind)\n").dropFirst().map { part in
            part.components(separatedBy: "\n```")[0]
        }
    }

    @Test
    func theCommandsWorkAsWritten() async throws {
        let blocks = try Self.blocks("sh")
        try #require(blocks.count >= 7)
        try await withHub { hub in
            let token = try await hub.token("u_42", "publish:*")
            let script = "set -euo pipefail\n" + blocks.joined(separator: "\n")
            let shell = try Shell(script, url: hub.url, token: token, in: hub.folder)
            try await shell.output.wait(for: "the commands", within: .seconds(60)) { $0.status != nil }
            let (text, status) = shell.output.value
            #expect(status == 0, "\(text)")
            for part in [
                #""status":"accepted""#, #""channel":"transactionUpdate:u_42""#, "\n304\n", "event: caughtUp\n",
                #""rate":"64252""#, #""code":"invalid_event""#,
            ] {
                #expect(text.contains(part), "\(part) in \(text)")
            }
        }
    }

    /// The loop follows a channel over `kill -9` of its hub.
    @Test
    func theLoopWritesEachEventOnceOverKills() async throws {
        let setting = try #require(try Self.blocks("sh").first)
        let loop = try #require(try Self.blocks("sh follow").first)
        try await withFolder { folder in
            // Every line of the log, among which the token must not be.
            let log = ["BROADTAPE_LOG_LEVEL": "trace"]
            var hub = try await RunningHub.start(in: folder, environment: log)
            let token = try await hub.token("u_42", "publish:*")
            let shell = try Shell(setting + "\n" + loop, url: hub.url, token: token, in: folder)
            let file = folder.url.appendingPathComponent("events.txt")
            func told() -> [Int] {
                let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
                return text.split(separator: "\n").compactMap { line in
                    guard line.hasPrefix("data: {\"op\":\"event\"") else { return nil }
                    return try? JSON.Value.parse(Array(line.dropFirst(6).utf8))["seq"]?.integer(in: .seq)
                }
            }
            for round in 1...3 {
                for half in 1...2 {
                    let events = (1...10).map { number in
                        #"{"type":"transactionUpdate","key":"u_42","id":"t-\#(round)-\#(half)-\#(number)","#
                            + #""data":{"type":"p2p","amount":"1","status":"new"}}"#
                    }
                    let record = try await hub.run(
                        "publish",
                        token: token,
                        input: events.joined(separator: "\n") + "\n"
                    )
                    #expect(record.status == 0, "\(record)")
                    // The kill happens after a part is reported, at an unpredictable point.
                    if half == 1 { try await eventually("a part is reported") { told().count > (round - 1) * 20 } }
                }
                guard round < 3 else { break }
                let port = hub.port
                try await hub.program.kill()
                hub = try await RunningHub.start(in: folder, port: port, environment: log)
            }
            try await eventually("everything is reported", within: .seconds(30)) { told().count >= 60 }
            #expect(told() == Array(1...60))
            let query = try await hub.get("/stream?channel=nothing:A&access_token=\(token)")
            #expect(query.status == 404)
            #expect(hub.program.record.value.errors.contains("/stream"))
            #expect(!hub.program.record.value.errors.contains(token))
            shell.end()
            try await hub.program.kill()
        }
    }
}
