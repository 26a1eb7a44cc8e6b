// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Foundation
import JSON
import TestSupport
import Testing

/// The real program beside a real EVM.
@Suite(.system, .serialized, .timeLimit(.minutes(15)))
struct ProgramSystemTests {
    static func start(_ peer: PeerNode, in folder: TestFolder, port: Int = 0) async throws -> RunningHub {
        let configuration = try folder.write(peer.configuration, to: "hub.yaml")
        return try await RunningHub.start(
            in: folder,
            port: port,
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

    /// Killed repeatedly while the chain grows and is reorganised: no event is lost, no event is duplicated.
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

    /// Finality is violated: the hub raises an alarm and publishes nothing; the operator decides; the source continues.
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
                #expect(record.output.hasPrefix("reverted"))
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
