// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// `broadtape-load replay` against a hub that stays up; ``CrashTests`` kills it on the way.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct ReplayTests {
    private static func trace(_ count: Int) -> String {
        (0..<count).map { number in
            let time = "2026-11-20T16:00:\(String(100 + number % 60).dropFirst()).000Z"
            return switch number % 3 {
            case 0: #"{"type":"rateChange","time":"\#(time)","data":{"pair":"P\#(number % 5)","rate":"1.\#(number)"}}"#
            case 1:
                #"{"type":"balanceUpdate","time":"\#(time)","data":{"userId":"u_\#(number % 4)","balance":"\#(number)"}}"#
            default:
                #"{"type":"transactionUpdate","keys":["u_1","u_2"],"time":"\#(time)","#
                    + #""data":{"type":"p2p","amount":"\#(number)","status":"new"}}"#
            }
        }.joined(separator: "\n")
    }

    @Test
    func everySubscriberGetsEverything() async throws {
        try await withHub { hub in
            let trace = try hub.folder.write(Self.trace(300), to: "trace.ndjson")
            let arguments = [
                "replay", trace, "--to", hub.url, "--subscribers", "20", "--speed", "max", "--jwt-secret",
                RunningHub.secret,
                "--report", "-",
            ]
            // A second run has ids of its own: it is not taken for duplicates of the first.
            for _ in 1...2 {
                let record = try await Program.run(
                    arguments,
                    of: "broadtape-load",
                    in: hub.folder,
                    within: .seconds(60)
                )
                #expect(record.status == 0, "\(record)")
                let report = try JSON.Value.parse(Array(try #require(record.lines.last).utf8))
                #expect(report["acknowledged"]?.integer(in: .seq) == 300)
                for count in ["lost", "duplicated", "reordered", "wrong", "unacknowledged"] {
                    #expect(report[count]?.integer(in: .seq) == 0, "\(count)")
                }
            }
        }
    }

    @Test
    func aHubThatIsNotThereFailsTheRun() async throws {
        try await withFolder { folder in
            let trace = try folder.write(Self.trace(3), to: "trace.ndjson")
            let record = try await Program.run(
                [
                    "replay", trace, "--to", "http://127.0.0.1:1", "--subscribers", "2", "--patience", "1s",
                    "--jwt-secret", RunningHub.secret,
                ],
                of: "broadtape-load",
                in: folder
            )
            #expect((record.status ?? 0) > 0, "\(record)")
        }
    }

    @Test
    func aWrongSecretFailsTheRun() async throws {
        try await withHub { hub in
            let trace = try hub.folder.write(Self.trace(3), to: "trace.ndjson")
            let record = try await Program.run(
                [
                    "replay", trace, "--to", hub.url, "--subscribers", "2", "--patience", "5s",
                    "--jwt-secret", "another secret that has thirty-two bytes and more",
                ],
                of: "broadtape-load",
                in: hub.folder
            )
            #expect((record.status ?? 0) > 0, "\(record)")
        }
    }
}
