// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// `kill -9` in the middle of a replay: the load tester follows every subscriber and every acknowledged event across it.
@Suite(.system, .serialized)
struct CrashTests {
    private static let events = 600
    private static let subscribers = 12

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func nothingIsLostDoubledOrReorderedAcrossKills(seed: UInt64) async throws {
        try await withFolder { folder in
            var random = SplitMix(seed: seed)
            let trace = try folder.write(Self.trace(using: &random), to: "trace.ndjson")
            var hub = try await RunningHub.start(in: folder)
            let load = try Program(
                [
                    "replay", trace, "--to", hub.url, "--subscribers", "\(Self.subscribers)", "--speed", "max",
                    "--batch", "3", "--in-flight", "2", "--jwt-secret", RunningHub.secret,
                    "--report", folder.path("report.json"),
                ],
                of: "broadtape-load",
                in: folder
            )
            do {
                for _ in 0..<2 {
                    // Each life of the hub counts its own events: the kill comes after some, in the middle of others.
                    try await hub.waitUntil(accepted: Int.random(in: 20...150, using: &random))
                    try await hub.program.kill()
                    hub = try await RunningHub.start(in: folder, port: hub.port)
                }
                let record = try await load.end(within: .seconds(60))
                #expect(record.status == 0, "\(record)")
                let report = try JSON.Value.parse(folder.read("report.json"))
                #expect(report["acknowledged"]?.integer(in: .seq) == Self.events)
                for count in ["lost", "duplicated", "reordered", "wrong", "unacknowledged"] {
                    #expect(report[count]?.integer(in: .seq) == 0, "\(count)")
                }
                #expect(report["connectionsLost"]?.integer(in: .seq) ?? 0 >= Self.subscribers)
            } catch {
                try await load.kill()
                try await hub.program.kill()
                throw error
            }
            try await hub.program.kill()
        }
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
