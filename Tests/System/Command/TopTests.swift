// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What is shown in a terminal.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct TopTests {
    private static let enters = "\u{1B}[?1049h"
    private static let leaves = "\u{1B}[?1049l"

    private func withNode(_ body: (RunningHub, String) async throws -> Void) async throws {
        try await withHub { hub in
            try await eventually("the admin port") { hub.adminURL != nil }
            try await body(hub, try #require(hub.adminURL))
        }
    }

    /// However it ends, the terminal is as before.
    @Test func theTableIsDrawnUntilItIsEnded() async throws {
        try await self.withNode { hub, url in
            for action in [Pseudoterminal.Action.press("q"), .press("\u{3}"), .terminate] {
                let terminal = try await Pseudoterminal.run(
                    ["top", "--to", url, "--every", "100ms"],
                    [("alone", action)],
                    in: hub.folder
                )
                #expect(terminal.status == 0, "\(action): \(terminal.text)")
                #expect(terminal.isRestored, "\(action)")
                #expect(terminal.text.hasPrefix(Self.enters) && terminal.text.hasSuffix(Self.leaves), "\(action)")
                #expect(terminal.text.contains("connections"))
            }
        }
    }

    @Test func theTableFitsIntoAWindowThatChanges() async throws {
        try await self.withNode { hub, url in
            let terminal = try await Pseudoterminal.run(
                ["top", "--to", url, "--every", "100ms"],
                [("alone", .resize(rows: 8, columns: 60)), ("more lines", .press("q"))],
                in: hub.folder
            )
            #expect(terminal.status == 0, "\(terminal.text)")
            let last = try #require(terminal.text.components(separatedBy: "\u{1B}[H").last)
            #expect(last.components(separatedBy: "\r\n").count == 8, "\(last)")
        }
    }

    @Test func onceItSaysWhatNodesDoAndWhetherTheyAnswer() async throws {
        try await self.withNode { hub, url in
            let token = try await hub.token("svc", "publish:*")
            let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            #expect(try await hub.run("publish", token: token, input: event).status == 0)
            let record = try await Program.run(["top", "--once", "--every", "100ms", "--to", url], in: hub.folder)
            #expect(record.status == 0, "\(record)")
            #expect(record.lines.contains { $0.hasPrefix("state ") && $0.hasSuffix(" ready") }, "\(record)")
            #expect(record.lines.contains { $0.hasPrefix("  rateChange ") }, "\(record)")
            for target in ["\(url),127.0.0.1:1", hub.url] {
                let partly = try await Program.run(
                    ["top", "--once", "--every", "100ms", "--to", target],
                    in: hub.folder
                )
                #expect(partly.status == 1, "\(partly)")
            }
        }
    }

    @Test func intoAPipeItWritesLines() async throws {
        try await self.withNode { hub, url in
            let top = try Program(["top", "--every", "100ms", "--to", url], in: hub.folder)
            try await top.record.wait(for: "two looks") { $0.lines.count >= 2 }
            top.terminate()
            let record = try await top.end()
            #expect(record.lines.allSatisfy { $0.contains(" node=127.0.0.1:") && $0.contains(" state=ready ") })
            #expect(!record.output.contains("\u{1B}"))
        }
    }

    @Test(arguments: [
        ["--every", "soon"], ["--every", "1ms"], ["--to", ""], ["--to", "ftp://x"], ["--to", "http://"],
    ])
    func whatMakesNoSenseIsRefused(arguments: [String]) async throws {
        try await withFolder { folder in
            let record = try await Program.run(["top", "--once"] + arguments, in: folder)
            #expect((record.status ?? 0) > 0, "\(record)")
            #expect(record.errors.contains(arguments[0]) || record.errors.contains("address"), "\(record)")
        }
    }

    /// On a terminal a bar, elsewhere nothing for what is done at once, and nothing at all when quiet.
    @Test func progressIsShownToThoseWhoLook() async throws {
        try await withFolder { folder in
            let database = "sqlite:\(folder.path("tape.db"))"
            let arguments = ["--jwt-secret", RunningHub.secret, "--database", database]
            let hub = try await RunningHub.start(in: folder, arguments)
            do {
                let token = try await hub.token("svc", "publish:*")
                let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
                let input = Array(repeating: event, count: 20).joined(separator: "\n")
                #expect(try await hub.run("publish", token: token, input: input).status == 0)
                hub.program.terminate()
                #expect(try await hub.program.end().status == 0)
            } catch {
                try await hub.program.kill()
                throw error
            }
            let verify = ["verify", "--database", database]
            let seen = try await Pseudoterminal.run(verify, in: folder)
            #expect(seen.status == 0, "\(seen.text)")
            #expect(
                seen.text.contains("verifying  [########################]  100 %  20 of 20 entries"),
                "\(seen.text)"
            )
            #expect(seen.text.contains("\r\u{1B}[K1 channels, 20 entries"), "\(seen.text)")
            let quiet = try await Pseudoterminal.run(verify + ["--quiet"], in: folder)
            #expect(quiet.status == 0 && !quiet.text.contains("verifying"), "\(quiet.text)")
            let piped = try await Program.run(verify, in: folder)
            #expect(piped.status == 0 && piped.errors.isEmpty, "\(piped)")
        }
    }
}
