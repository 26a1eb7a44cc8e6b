// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Client
import Foundation
import Hub
import HubTestSupport
import JSON
import ProgramSupport
import Testing

/// The real program beside a real EVM.
@Suite(.serialized, .timeLimit(.minutes(15)))
struct ProgramTests {
    private static let isFull = ProcessInfo.processInfo.environment["BROADTAPE_FULL"] == "1"
    /// Of one transaction.
    private static let perTransaction = 100

    private static func start(_ peer: PeerNode, in folder: TestFolder) async throws -> RunningHub {
        let configuration = try folder.write(peer.configuration, to: "hub.yaml")
        return try await RunningHub.start(
            in: folder,
            ["--jwt-secret", RunningHub.secret, "--config", configuration, "--log-level", "debug"]
        )
    }

    /// What somebody knows who reads everything from the hub.
    static func replay(_ hub: RunningHub, _ peer: PeerNode, token: String) async throws -> Replay {
        let events = try await hub.events(of: "chainEvent:\(peer.contract)", token: token)
        return Replay(
            events.map { event in
                SourceEvent(
                    id: event["id"]?.string ?? "",
                    type: "chainEvent",
                    key: "",
                    data: event["data"].map { Array($0.text) } ?? []
                )
            }
        )
    }

    /// Waits until what the hub tells is the chain.
    static func settled(_ hub: RunningHub, _ peer: PeerNode, within limit: Duration = .seconds(60)) async throws
        -> Replay
    {
        let token = try await hub.token("reader", "read:*")
        let truth = try await peer.truth(try peer.chain())
        var replay = Replay([])
        try await eventually("the hub has the whole chain", within: limit) {
            replay = try await Self.replay(hub, peer, token: token)
            return replay.differences(from: truth).isEmpty
        }
        return replay
    }

    /// Killed again and again while the chain goes on and is reorganised: nothing is lost, nothing comes twice.
    @Test func killedHubGoesOn() async throws {
        try await PeerNode.with(seed: 21) { peer in
            try await withFolder { folder in
                try await peer.control("emit", "10", "2", "2")
                for round in 0..<4 {
                    let hub = try await Self.start(peer, in: folder)
                    async let emitting: JSON.Value = peer.control("emit", "3", "2", "3")
                    try await hub.waitUntil(accepted: 1 + round % 3)
                    try await hub.program.kill()
                    _ = try await emitting
                    try await peer.control("reorganise", "\(2 + round)", "\(3 + round)", "true")
                    if round == 2 { try await peer.control("finalize", "\(try await peer.head - 6)") }
                    try await peer.control("emit", "1", "2", "1")
                }
                let hub = try await Self.start(peer, in: folder)
                let replay = try await Self.settled(hub, peer)
                #expect(replay.faults == [])
                try await hub.program.kill()
            }
        }
    }

    /// Down while many investments and a reorganisation happen; then it catches up, and rates go on meanwhile.
    @Test func catchesUp() async throws {
        let transactions = Self.isFull ? 200 : 8
        try await PeerNode.with(seed: 22) { peer in
            try await withFolder { folder in
                try await peer.control("emit", "5", "2", "1")
                var hub = try await Self.start(peer, in: folder)
                _ = try await Self.settled(hub, peer)
                try await hub.program.kill()
                let blocks = transactions / 4
                try await peer.control("emit", "\(blocks)", "2", "\(Self.perTransaction)", "false")
                try await peer.control("reorganise", "5", "6", "true")
                try await peer.control("emit", "\(blocks)", "2", "\(Self.perTransaction)", "false")
                try await peer.control("finalize", "\(try await peer.head - 4)")

                let began = ContinuousClock.now
                hub = try await Self.start(peer, in: folder)
                let token = try await hub.token("rates", "publish:*")
                let publisher = Publisher(to: try hub.address(), token: { token })
                var slowest = Duration.zero
                for number in 1...20 {
                    let sent = ContinuousClock.now
                    let data = Array(#"{"pair":"BTC/USDT","rate":"\#(number)"}"#.utf8)
                    _ = try await publisher.publish([try Publication(type: "rateChange", data: data)])
                    slowest = max(slowest, ContinuousClock.now - sent)
                }
                // Generous: the machine may be busy. Behind the whole catch-up it would be many times that.
                #expect(slowest < .seconds(5))
                let replay = try await Self.settled(hub, peer, within: .seconds(240))
                #expect(replay.faults == [])
                print(
                    "caught up with \(replay.facts.count) facts in \(ContinuousClock.now - began), slowest rate \(slowest)"
                )
                #expect(replay.facts.count >= transactions * Self.perTransaction * 9 / 10)
                try await hub.program.kill()
            }
        }
    }

    /// Finality was none: the hub alarms and tells nothing; the operator decides; it goes on.
    @Test func operatorResolves() async throws {
        try await PeerNode.with(seed: 23) { peer in
            try await withFolder { folder in
                try await peer.control("emit", "12", "2", "1")
                try await peer.control("finalize", "8")
                var hub = try await Self.start(peer, in: folder)
                let before = try await Self.settled(hub, peer)
                try await peer.control("breakFinality", "9", "10", "false")
                try await peer.control("finalize", "9")
                try await hub.program.record.wait(for: "the alarm") { $0.errors.contains("broadtape chain resolve") }
                let token = try await hub.token("reader", "read:*")
                #expect(try await Self.replay(hub, peer, token: token).facts == before.facts)
                try await hub.program.kill()
                let arguments = ["chain", "resolve", "peer", "--config", folder.path("hub.yaml")]
                let record = try await Program.run(arguments, in: folder)
                #expect(record.status == 0, "\(record)")
                #expect(record.output.hasPrefix("went back"))
                hub = try await Self.start(peer, in: folder)
                let truth = try await peer.truth(try peer.chain())
                try await eventually("the hub has the other chain", within: .seconds(60)) {
                    let differences = try await Self.replay(hub, peer, token: token).differences(from: truth)
                    // Undone by decision.
                    return differences.allSatisfy { $0.hasSuffix("undoes what was final") }
                }
                try await hub.program.kill()
            }
        }
    }
}
