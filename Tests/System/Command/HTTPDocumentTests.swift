// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// The commands of `docs/http.md`, as they are written there.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct HTTPDocumentTests {
    /// Starts a shell with a part of the document.
    private static func start(_ script: String, on hub: RunningHub, token: String) throws -> Program {
        try Program(
            at: URL(fileURLWithPath: "/bin/bash"),
            ["-c", script],
            environment: ["BROADTAPE_URL": hub.url, "BROADTAPE_TOKEN": token],
            in: hub.folder
        )
    }

    /// The blocks of a kind: `sh` runs to its end, `sh follow` never ends.
    private static func blocks(_ kind: String) throws -> [String] {
        let path = Script.root.appendingPathComponent("docs/http.md")
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
            let record = try await Self.start(script, on: hub, token: token).endOrKill(within: .seconds(60))
            #expect(record.status == 0, "\(record)")
            for part in [
                #""status":"accepted""#, #""channel":"transactionUpdate:u_42""#, "\n304\n", "event: caughtUp\n",
                #""rate":"64252""#, #""code":"invalid_event""#,
            ] {
                #expect((record.output + record.errors).contains(part), "\(part) in \(record)")
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
            let shell = try Self.start(setting + "\n" + loop, on: hub, token: token)
            // Whatever happens: a shell that is left behind would run for ever.
            defer { shell.signal(SIGKILL) }
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
            try await shell.kill()
            try await hub.program.kill()
        }
    }
}
