// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Two hubs of one Postgres that both have the chain in their configuration.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct TwoHubsSystemTests {
    private static let position = "broadtape_source_position{source=\"chain:peer\"}"

    /// One of them follows it; when that one is killed, the other.
    @Test func oneFollowsTheChain() async throws {
        try await PeerNode.with(seed: 41) { peer in
            try await withFolder { folder in
                try await peer.control("emit", "6", "2", "2")
                let configuration = try folder.write(peer.configuration, to: "hub.yaml")
                let database = try await PostgresServer.shared.makeDatabase()
                func start() async throws -> RunningHub {
                    try await RunningHub.start(
                        in: folder,
                        ["--jwt-secret", RunningHub.secret, "--config", configuration, "--database", database]
                    )
                }
                var hubs = [try await start(), try await start()]
                for round in 0..<3 {
                    var leaders: [Int] = []
                    try await eventually("a hub to follow the chain", within: .seconds(40)) {
                        leaders = []
                        for (index, hub) in hubs.enumerated() where try await hub.metric(Self.position) != nil {
                            leaders.append(index)
                        }
                        return !leaders.isEmpty
                    }
                    #expect(leaders.count == 1)
                    async let emitting = peer.control("emit", "3", "2", "3")
                    let leader = hubs.remove(at: leaders[0])
                    try await leader.program.kill()
                    _ = try await emitting
                    try await peer.control("reorganise", "\(2 + round)", "\(3 + round)", "true")
                    let replay = try await ProgramSystemTests.settled(hubs[0], peer)
                    #expect(replay.faults == [])
                    hubs.append(try await start())
                }
                for hub in hubs { try await hub.program.kill() }
            }
        }
    }
}
