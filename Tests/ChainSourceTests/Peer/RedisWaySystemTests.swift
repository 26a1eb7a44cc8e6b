// SPDX-License-Identifier: Apache-2.0

import ChainSource
import TestSupport
import Testing

/// `broadtape chain run`, Redis, hub: a chain followed in a process of its own.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct RedisWaySystemTests {
    private static func start(_ peer: PeerNode, _ redis: String, in folder: TestFolder) throws -> Program {
        let configuration = try folder.write(peer.configuration, to: "chain.yaml")
        return try Program(["chain", "--config", configuration, "--redis", redis], in: folder)
    }

    @Test func lostMessagesAreHadAgain() async throws {
        try await PeerNode.with(seed: 31) { peer in
            let redis = try await RedisServer.start()
            defer { redis.stop() }
            try await withFolder { folder in
                try await peer.control("emit", "8", "2", "2")
                // Published before there is a hub: Redis keeps none of it.
                var chain = try Self.start(peer, redis.url, in: folder)
                try await chain.record.wait(for: "the chain to be followed", within: .seconds(40)) {
                    $0.errors.contains("chain follower started")
                }
                let hub = try await RunningHub.start(
                    in: folder,
                    ["--jwt-secret", RunningHub.secret, "--redis", redis.url]
                )
                _ = try await ProgramSystemTests.settled(hub, peer)
                // Redis loses its connections, and what is sent meanwhile.
                for round in 0..<3 {
                    _ = try redis.disconnectClients()
                    try await peer.control("emit", "2", "2", "3")
                    try await peer.control("reorganise", "\(2 + round)", "\(3 + round)", "true")
                }
                _ = try await ProgramSystemTests.settled(hub, peer)
                // The process is killed, and continues from its outbox.
                try await chain.kill()
                try await peer.control("emit", "2", "2", "3")
                try await peer.control("reorganise", "9", "10", "false")
                chain = try Self.start(peer, redis.url, in: folder)
                let replay = try await ProgramSystemTests.settled(hub, peer)
                #expect(replay.faults == [])
                #expect(replay.undone > 0)
                try await chain.kill()
                try await hub.program.kill()
            }
        }
    }
}
