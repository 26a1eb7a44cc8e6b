// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// What others have named makes no lines of its own, and no terminal obeys it.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct HarmlessTextTests {
    /// Ends the line, forges one, and has the terminal do things; also with what is no ASCII.
    private static let name =
        "x\n2026-01-01T00:00:00Z critical broadtape: [Hub] forged\r\u{1B}[2J\u{9B}31m\u{202E}\u{2028}\u{7F}"

    private static func expectHarmless(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        for scalar in text.unicodeScalars where scalar != "\n" && scalar != "\t" {
            let category = scalar.properties.generalCategory
            let isHarmless = ![.control, .format, .lineSeparator, .paragraphSeparator].contains(category)
            #expect(
                isHarmless,
                "U+\(String(scalar.value, radix: 16)) in \(text.debugDescription)",
                sourceLocation: sourceLocation
            )
        }
    }

    @Test(arguments: ["text", "json"])
    func aNameInTheLogStaysInItsLine(_ format: String) async throws {
        try await withFolder { folder in
            let program = try Program(
                ["serve", "--port", "0", "--admin-port", "0", "--jwt-secret", RunningHub.secret]
                    + ["--database", "sqlite:\(folder.path(Self.name))"],
                environment: ["BROADTAPE_LOG_FORMAT": format],
                in: folder
            )
            try await program.record.wait(for: "a hub that listens") {
                $0.isOver || $0.errors.contains("listening")
            }
            program.terminate()
            let log = try await program.end().errors
            Self.expectHarmless(log)
            #expect(log.contains(#"x\n2026-01-01T00:00:00Z critical"#), "\(log)")
            for line in log.split(separator: "\n") {
                #expect(!line.hasPrefix("2026-01-01"), "\(log)")
                if format == "json" {
                    let value = try JSON.Value.parse(Array(line.utf8))
                    if value["message"]?.string == "tape" {
                        #expect(value["context"]?["path"]?.string == folder.path(Self.name), "\(line)")
                    }
                }
            }
        }
    }

    /// A value with blanks cannot pass for several.
    @Test func aValueIsOneValue() async throws {
        try await withFolder { folder in
            let path = folder.path("a level=critical \"b\"/none/x")
            let program = try Program(
                ["serve", "--port", "0", "--admin-port", "0", "--jwt-secret", RunningHub.secret]
                    + ["--database", "sqlite:\(path)"],
                in: folder
            )
            try await program.record.wait(for: "a hub that listens") {
                $0.isOver || $0.errors.contains("listening")
            }
            program.terminate()
            let log = try await program.end().errors
            let value = path.replacing("\"", with: "\\\"")
            #expect(log.contains("journal=WAL path=\"\(value)\" synchronous=FULL"), "\(log)")
            #expect(!log.contains(path), "\(log)")
        }
    }

    @Test func whatAHubTellsIsHarmlessInATerminal() async throws {
        try await withHub { hub in
            let token = try await hub.token("svc", "publish:*", "read:*")
            let key = "a\u{202E}b\u{2028}c\u{9B}"
            let event = #"{"type":"rateChange","key":"\#(key)","id":"i\#(key)","data":{"rate":"1","note":"\#(key)"}}"#
            let published = try await hub.run("publish", "--verbose", token: token, input: event)
            Self.expectHarmless(published.output + published.errors)
            let isTaken = published.status == 0
            let channel = isTaken ? "rateChange:\(key)" : "rateChange:A"
            let plain =
                #"{"type":"rateChange","key":"A","id":"\#(isTaken ? "j" : "i")","data":{"rate":"1","note":"\#(key)"}}"#
            #expect(try await hub.run("publish", token: token, input: plain).status == 0)
            let tail = try await hub.run("tail", channel, "--since", "0", "--count", "1", token: token)
            #expect(tail.status == 0)
            Self.expectHarmless(tail.output + tail.errors)
            let line = try JSON.Value.parse(Array(try #require(tail.lines.first).utf8))
            #expect(line["channel"]?.string == channel)
            #expect(line["data"]?["note"]?.string == key)
            let channels = try await hub.run("channels", token: token)
            #expect(channels.status == 0)
            Self.expectHarmless(channels.output)
        }
    }

    /// The hub's answer to a name is printed with the name escaped, and has no effect on the terminal.
    @Test(arguments: [["tail", "rateChange:\u{1B}[2J\u{202E}", "--count", "1"], ["tail", "no\u{1B}]0;x\u{7}type:a"]])
    func refusalsAreHarmlessInATerminal(_ arguments: [String]) async throws {
        try await withHub { hub in
            let program = try Program(arguments, environment: ["BROADTAPE_URL": hub.url], in: hub.folder)
            try await program.record.wait(for: "something about the channel") {
                $0.isOver || $0.errors.contains("rateChange:") || $0.errors.contains("type:a")
            }
            program.terminate()
            let record = try await program.end()
            Self.expectHarmless(record.output + record.errors)
            #expect(record.errors.contains(#"\u001b"#), "\(record)")
        }
    }

    @Test(arguments: [
        ["verify", "\u{1B}[2J"], ["nonsense\u{1B}[2J\u{202E}"], ["check-config", "--config", "/x\u{1B}[2J\n\u{9B}"],
        ["publish", "/x\u{1B}[2J\n\u{9B}"], ["tail", "a:b", "--url", "http://\u{1B}[2J"],
    ])
    func errorsAreHarmlessInATerminal(_ arguments: [String]) async throws {
        try await withFolder { folder in
            let record = try await Program.run(arguments, in: folder)
            #expect(record.status != 0)
            Self.expectHarmless(record.output + record.errors)
        }
    }
}
