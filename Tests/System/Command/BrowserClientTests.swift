// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import TestSupport
import Testing

/// broadtape.js under Node and in Chromium.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct BrowserClientTests {
    /// The vectors that every client passes, and what only this client does.
    @Test(arguments: ["Tests/Vectors/run.mjs", "Tests/System/BrowserClient/run.mjs"])
    func itPassesUnderNode(_ script: String) async throws {
        try await withFolder { folder in
            let record = try await Script.node(script, in: folder)
            #expect(record.status == 0, "\(record)")
            #expect(record.lines.last?.firstMatch(of: #/^[1-9]\d* \w+, 0 failed$/#) != nil, "\(record)")
        }
    }

    /// In a page of a running hub, which serves the client and is what it connects to.
    @Test func itPassesInChromium() async throws {
        try await withHub { hub in
            let token = try await hub.token("svc", "publish:*")
            let script = "Tests/System/BrowserClient/chromium.py"
            let record = try await Script.python(script, [hub.url, token], in: hub.folder)
            #expect(record.status == 0, "\(record)")
            #expect(record.lines.last?.firstMatch(of: #/^[1-9]\d* vectors, 0 failed$/#) != nil, "\(record)")
        }
    }

    @Test(arguments: [1, 2] as [UInt64])
    func whateverHappensToTheHubItGetsEveryEventOnceAndInOrder(_ seed: UInt64) async throws {
        try await withFolder { folder in
            var random = SplitMix(seed: seed)
            var hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            let retries = Retries(
                patience: .seconds(60),
                backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(200))
            )
            let publisher = Publisher(to: try hub.address(), token: { token }, retries: retries)
            let traffic = try Traffic(publishers: 2, requests: 60, using: &random)
            let user = Traffic.users[0]
            let channels = Traffic.publicChannels + ["balanceUpdate", "transactionUpdate"]
            let follower = try Script.startNode(
                "Tests/System/BrowserClient/follow.mjs",
                [hub.url, try await hub.token(user)] + channels,
                in: folder
            )
            try await follower.record.wait(for: "subscriptions") { record in
                record.isOver || record.lines.filter { $0.hasPrefix("subscribed") }.count >= channels.count
            }
            try await withThrowingTaskGroup(of: Void.self) { publishing in
                for plan in traffic.plans {
                    publishing.addTask { try await traffic.publish(plan, by: publisher) }
                }
                for kill in 1...2 {
                    let threshold = kill * 60
                    try await traffic.promises.wait(for: "\(threshold) receipts") { $0.count >= threshold }
                    try await hub.program.kill()
                    hub = try await RunningHub.start(in: folder, port: hub.port)
                }
                try await publishing.waitForAll()
            }
            let promised = Self.promised(by: traffic, to: user)
            try await follower.record.wait(for: "\(promised.mapValues(\.count))", within: .seconds(40)) { record in
                let got = Self.received(record.lines)
                return record.isOver || promised.allSatisfy { got[$0.key]?.last?.seq ?? 0 >= $0.value.count }
            }
            let got = Self.received(follower.record.value.lines)
            #expect(Set(got.keys) == Set(promised.keys))
            for (channel, entries) in got {
                var last = 0
                for entry in entries {
                    #expect(entry.seq == last + 1 + entry.skipped, "\(channel) \(entry) after \(last)")
                    #expect(entry.skipped == 0 || channel.hasPrefix("balance") || channel.hasPrefix("rate"))
                    #expect(promised[channel]?[entry.seq] == entry.id, "\(channel) \(entry)")
                    last = entry.seq
                }
                #expect(last == promised[channel]?.count, "\(channel)")
            }
            #expect(follower.record.value.errors.isEmpty, "\(follower.record.value.errors)")
            let connections = follower.record.value.lines.filter { $0 == "live" }.count
            #expect((2...3).contains(connections), "\(connections)")
            try await follower.kill()
            try await hub.program.kill()
        }
    }

    private struct Entry: Sendable { var seq: Int, skipped: Int, id: String }

    /// `event CHANNEL SEQ SKIPPED ID`, by channel.
    private static func received(_ lines: [String]) -> [String: [Entry]] {
        var entries: [String: [Entry]] = [:]
        for line in lines {
            let words = line.split(separator: " ")
            guard words.count == 5, words[0] == "event", let seq = Int(words[2]), let skipped = Int(words[3]) else {
                continue
            }
            let entry = Entry(seq: seq, skipped: skipped, id: String(words[4]))
            entries[String(words[1]), default: []].append(entry)
        }
        return entries
    }

    /// The ids by number that one user may read, by channel.
    private static func promised(by traffic: Traffic, to user: String) -> [String: [Int: String]] {
        var promised: [String: [Int: String]] = [:]
        for receipt in traffic.promises.value {
            for position in receipt.positions
            where position.channel.hasSuffix(":" + user)
                || Traffic.publicChannels.contains(position.channel)
            {
                promised[position.channel, default: [:]][position.seq] = receipt.id
            }
        }
        return promised
    }
}
