// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// The commands that talk to a hub.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct CommandLineTests {
    private static func rate(_ number: Int) -> String {
        #"{"type":"rateChange","key":"BTC/USDT","id":"r-\#(number)","time":"2026-11-20T16:00:0\#(number)Z","#
            + #""data":{"rate":"9\#(number).50"}}"#
    }

    private static let balance =
        #"{"type":"balanceUpdate","id":"b-1","time":"2026-11-20T16:00:00Z","data":{"userId":"u_42","balance":"1.50"}}"#

    // MARK: - token

    @Test(arguments: [
        ["--scope", "publish"], ["--scope", "publish:"], ["--scope", "write:*"], ["--scope", "publish:a b"],
        ["--scope", "publish:*", "--scope", "*"], ["--expires", "soon"], ["--expires", "1"], ["--subject", ""],
    ])
    func aTokenThatMakesNoSenseIsRefused(_ arguments: [String]) async throws {
        try await withFolder { folder in
            let subject = arguments.contains("--subject") ? [] : ["--subject", "svc"]
            let record = try await Program.run(
                ["token", "--jwt-secret", RunningHub.secret] + subject + arguments,
                in: folder
            )
            #expect((record.status ?? 0) > 0, "\(record)")
            #expect(record.output.isEmpty)
            #expect(record.errors.contains("Error"), "\(record)")
        }
    }

    @Test
    func aTokenHasWhatWasAskedFor() async throws {
        try await withFolder { folder in
            let start = Int(Date().timeIntervalSince1970)
            let record = try await Program.run(
                [
                    "token", "--subject", "svc", "--scope", "publish:rateChange", "--scope", "read:*", "--expires",
                    "15m",
                    "--jwt-secret", RunningHub.secret,
                ],
                in: folder
            )
            #expect(record.status == 0, "\(record)")
            let parts = try #require(record.lines.first).split(separator: ".").map(String.init)
            try #require(parts.count == 3)
            let claims = try Self.decoded(parts[1])
            #expect(try Self.decoded(parts[0])["alg"]?.string == "HS256")
            #expect(claims["sub"]?.string == "svc")
            #expect(claims["scope"]?.string == "publish:rateChange read:*")
            let expires = try #require(claims["exp"]?.integer(in: .seq))
            #expect((start + 895...start + 960).contains(expires))
            let forever = try await Program.run(
                ["token", "--subject", "svc", "--expires", "never", "--jwt-secret", RunningHub.secret],
                in: folder
            )
            let last = try #require(forever.lines.first).split(separator: ".").map(String.init)
            #expect(try Self.decoded(last[1])["exp"] == nil)
        }
    }

    private static func decoded(_ part: String) throws -> JSON.Value {
        let base64 = part.replacing("-", with: "+").replacing("_", with: "/")
        let padded = base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4)
        return try JSON.Value.parse(Array(try #require(Data(base64Encoded: padded))))
    }

    @Test
    func scopesDecideWhatMayBePublished() async throws {
        try await withHub { hub in
            let token = try await hub.token("svc", "publish:rateChange")
            #expect(try await hub.run("publish", token: token, input: Self.rate(1)).status == 0)
            let refused = try await hub.run("publish", token: token, input: Self.balance)
            #expect((refused.status ?? 0) > 0, "\(refused)")
            #expect(refused.errors.contains("publish:balanceUpdate"), "\(refused)")
        }
    }

    // MARK: - publish, tail, channels

    @Test
    func whatIsPublishedCanBeFollowedAndListed() async throws {
        try await withHub { hub in
            let token = try await hub.token("svc", "publish:*")
            let file = try hub.folder.write(Self.rate(1) + "\n\n" + Self.rate(2) + "\n", to: "events.ndjson")
            let fromFile = try await hub.run("publish", file, "--verbose", token: token)
            #expect(fromFile.status == 0, "\(fromFile)")
            #expect(
                fromFile.lines == [
                    "accepted r-1 rateChange:BTC/USDT#1", "accepted r-2 rateChange:BTC/USDT#2",
                    "2 accepted, 0 duplicate",
                ]
            )
            let fromInput = try await hub.run(
                "publish",
                token: token,
                input: "[\(Self.rate(2)),\(Self.rate(3))]\n\(Self.balance)"
            )
            #expect(fromInput.lines == ["2 accepted, 1 duplicate"], "\(fromInput)")

            let tail = try await hub.run("tail", "rateChange:BTC/USDT", "--since", "0", "--count", "3")
            #expect(tail.status == 0, "\(tail)")
            let epoch = try #require(try JSON.Value.parse(Array((tail.lines.first ?? "").utf8))["epoch"]?.string)
            #expect(
                tail.lines
                    == (1...3).map { number in
                        #"{"channel":"rateChange:BTC/USDT","seq":\#(number),"epoch":"\#(epoch)","id":"r-\#(number)","#
                            + #""time":"2026-11-20T16:00:0\#(number)Z","data":{"rate":"9\#(number).50"}}"#
                    }
            )
            let rest = try await hub.run(
                "tail",
                "rateChange:BTC/USDT",
                "--since",
                "2",
                "--epoch",
                epoch,
                "--count",
                "1"
            )
            #expect(rest.lines == [tail.lines[2]])

            let user = try await hub.token("u_42")
            let own = try await hub.run("tail", "balanceUpdate", "--since", "0", "--count", "1", token: user)
            #expect(own.lines.first?.contains(#""channel":"balanceUpdate:u_42","seq":1"#) == true, "\(own)")

            let anonymous = try await hub.run("channels")
            #expect(anonymous.lines == ["rateChange:BTC/USDT\thead 3\tfirst 1"])
            let all = try await hub.run("channels", token: try await hub.token("auditor", "read:*"))
            #expect(all.lines == ["balanceUpdate:u_42\thead 1\tfirst 1", "rateChange:BTC/USDT\thead 3\tfirst 1"])
            let some = try await hub.run("channels", "balance", token: user)
            #expect(some.lines == ["balanceUpdate:u_42\thead 1\tfirst 1"])
        }
    }

    @Test
    func tailShowsWhatIsPublishedWhileItRuns() async throws {
        try await withHub { hub in
            let token = try await hub.token("svc", "publish:*")
            let tail = try Program(["tail", "rateChange:BTC/USDT", "--count", "2", "--url", hub.url], in: hub.folder)
            try await tail.record.wait(for: "the subscription") { $0.errors.contains("rateChange:BTC/USDT: live at 0") }
            for number in 1...2 {
                #expect(try await hub.run("publish", token: token, input: Self.rate(number)).status == 0)
            }
            let record = try await tail.end()
            #expect(record.status == 0)
            #expect(record.lines.count == 2)
        }
    }

    @Test(arguments: [
        ("{\"type\":\n", ":1: not JSON"), (#"{"type":"nothing","data":{}}"#, "nothing"),
        (#"{"type":"rateChange","key":"A","data":{"rate":1}}"#, "data.rate"), ("5", "object"),
    ])
    func publishingBadEventsFailsWithASentence(_ input: String, _ word: String) async throws {
        try await withHub { hub in
            let token = try await hub.token("svc", "publish:*")
            let record = try await hub.run("publish", token: token, input: input)
            #expect((record.status ?? 0) > 0, "\(record)")
            #expect(record.errors.contains(word), "\(record)")
            #expect(try await hub.run("channels", token: token).lines.isEmpty)
        }
    }

    @Test
    func commandsWithoutWhatTheyNeedFailWithASentence() async throws {
        try await withHub { hub in
            let user = try await hub.token("u_42")
            for (arguments, token, word) in [
                (["publish"], nil, "token"), (["publish", "missing.ndjson"], user, "missing.ndjson"),
                (["publish", "--speed", "fast"], user, "--speed"), (["tail", "balanceUpdate:u_77"], user, "forbidden"),
                (["tail", "nothing:A"], nil, "unknown_type"), (["tail", "balanceUpdate"], nil, "not_authenticated"),
                (["channels"], "x.y.z", "token"),
            ] as [([String], String?, String)] {
                var environment = ["BROADTAPE_URL": hub.url]
                environment["BROADTAPE_TOKEN"] = token
                let record = try await Program.run(
                    arguments,
                    environment: environment,
                    in: hub.folder,
                    input: Self.rate(1)
                )
                #expect((record.status ?? 0) > 0, "\(arguments): \(record)")
                #expect(record.errors.contains(word), "\(arguments): \(record)")
            }
        }
    }

    @Test
    func theHelpNamesEveryCommand() async throws {
        try await withFolder { folder in
            let record = try await Program.run(["--help"], in: folder)
            #expect(record.status == 0)
            for command in ["serve", "token", "publish", "tail", "channels", "check-config"] {
                #expect(record.output.contains(command))
            }
        }
    }
}
