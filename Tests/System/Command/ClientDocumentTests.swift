// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// The examples of docs/clients.md, as they are written there.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct ClientDocumentTests {
    /// The fenced block behind `<!-- runnable: NAME -->`.
    private static func example(_ name: String) throws -> String {
        let file = Script.root.appendingPathComponent("docs/clients.md")
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let marker = try #require(text.range(of: "<!-- runnable: \(name) -->\n"), "\(name)")
        let lines = text[marker.upperBound...].split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
        return lines.prefix { $0 != "```" }.joined(separator: "\n") + "\n"
    }

    /// Writes an example beside the client that the hub serves.
    private static func write(_ name: String, for hub: RunningHub) async throws {
        let answer = try await hub.get("/broadtape.js")
        try #require(answer.status == 200)
        try hub.folder.write(String(decoding: answer.body, as: UTF8.self), to: "broadtape.mjs")
        try hub.folder.write(try Self.example(name), to: name)
    }

    /// For Nodes without a WebSocket of their own.
    private static let webSocket = Script.root.appendingPathComponent("Tests/System/BrowserClient/websocket.mjs").path

    private static func start(_ name: String, for hub: RunningHub, token: String) throws -> Program {
        try Program(
            at: URL(fileURLWithPath: "/usr/bin/node"),
            ["--import", Self.webSocket, hub.folder.path(name)],
            environment: ["BROADTAPE_URL": hub.url, "BROADTAPE_TOKEN": token],
            in: hub.folder
        )
    }

    private static func publish(_ id: String, amount: String, to hub: RunningHub, token: String) async throws {
        let event =
            #"{"type":"transactionUpdate","key":"svc","id":"\#(id)","data":{"type":"p2p","amount":"\#(amount)","status":"completed"}}"#
        let record = try await hub.run("publish", token: token, input: event + "\n")
        try #require(record.status == 0, "\(record)")
    }

    @Test func theFollowerGoesOnAfterAKill() async throws {
        try await withFolder { folder in
            var hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            try await Self.write("follow.mjs", for: hub)
            let follower = try Self.start("follow.mjs", for: hub, token: token)
            try await Self.publish("t1", amount: "0.10", to: hub, token: token)
            try await follower.record.wait(for: "an event") { $0.isOver || !$0.lines.isEmpty }
            try await hub.program.kill()
            hub = try await RunningHub.start(in: folder, port: hub.port)
            try await Self.publish("t2", amount: "12345678901234567890.5", to: hub, token: token)
            try await follower.record.wait(for: "another") { $0.isOver || $0.lines.count > 1 }
            try await follower.kill()
            try await hub.program.kill()
            let lines = follower.record.value.lines
            let wanted = ["1 p2p 0.10 completed", "2 p2p 12345678901234567890.5 completed"]
            #expect(lines == wanted, "\(follower.record.value)")
        }
    }

    @Test func thePublisherReadsWhatItPublished() async throws {
        try await withHub { hub in
            let token = try await hub.token("svc", "publish:*")
            try await Self.write("publish.mjs", for: hub)
            let record = try await Self.start("publish.mjs", for: hub, token: token).end()
            #expect(record.lines == ["accepted 1", "1 64250.10", "1 kept"], "\(record)")
            #expect(record.status == 0, "\(record)")
            #expect(try await firstRates(1, from: hub.url) == ["64250.10"])
        }
    }

    @Test func theSwiftExampleIsTheOneThatIsCompiled() throws {
        let file = Script.root.appendingPathComponent("Tests/System/Command/Support/ClientExample.swift")
        let source = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(source.hasSuffix(try Self.example("ClientExample.swift")))
    }
}
