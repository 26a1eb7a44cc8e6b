// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import JSON
import TestSupport
import Testing

/// The real program beside a mirror.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct MirrorProgramSystemTests {
    /// What somebody knows who reads everything from the hub.
    private static func replay(_ hub: RunningHub, token: String) async throws -> MirrorReplay {
        var events: [SourceEvent] = []
        for channel in ["chainEvent:\(MirrorPeer.contract)", "topicMessage:\(MirrorPeer.topic)"] {
            events += try await hub.events(of: channel, token: token).map { event in
                SourceEvent(
                    id: event["id"]?.string ?? "",
                    type: event["type"]?.string ?? String(channel.prefix { $0 != ":" }),
                    key: "",
                    data: event["data"].map { Array($0.text) } ?? []
                )
            }
        }
        return MirrorReplay(events)
    }

    private static func settled(_ hub: RunningHub, _ peer: MirrorPeer) async throws -> MirrorReplay {
        let token = try await hub.token("reader", "read:*")
        let (logs, messages) = try await peer.truth()
        var replay = MirrorReplay([])
        do {
            try await eventually("the hub has everything", within: .seconds(60)) {
                replay = try await Self.replay(hub, token: token)
                return replay.differences(from: logs).isEmpty && replay.messages.mapValues(\.message) == messages
            }
        } catch {
            Issue.record("\(replay.differences(from: logs).prefix(5)) \(hub.program.record.value.errors.suffix(2000))")
            throw error
        }
        return replay
    }

    /// Killed repeatedly under load: no event is lost, no event is duplicated.
    @Test func killedHubGoesOn() async throws {
        try await MirrorPeer.with(seed: 41) { peer in
            try await withFolder { folder in
                try await peer.advance(100)
                try await peer.emit(150, 3)
                try await peer.say(120)
                let configuration = try folder.write(peer.configuration, to: "hub.yaml")
                for round in 0..<3 {
                    let hub = try await RunningHub.start(
                        in: folder,
                        ["--jwt-secret", RunningHub.secret, "--config", configuration, "--log-level", "debug"]
                    )
                    // In the middle of it.
                    try await hub.waitUntil(accepted: 1)
                    try await peer.control("faults", #"{"late":0.3,"latest":40,"partial":0.2,"500":0.1,"lagging":0.2}"#)
                    try await peer.emit(20, 2)
                    try await peer.say(2, chunks: 3)
                    try await peer.advance(20 + round)
                    try await hub.program.kill()
                    try await peer.emit(20, 2)
                    try await peer.advance(200)
                }
                try await peer.control("faults")
                let hub = try await RunningHub.start(
                    in: folder,
                    ["--jwt-secret", RunningHub.secret, "--config", configuration]
                )
                // Some were missed under the floor: the passes find them.
                try await hub.waitUntil(accepted: 1)
                for seconds in [100, 3_800, 1_500, 90_000] { try await peer.advance(seconds) }
                let replay = try await Self.settled(hub, peer)
                #expect(replay.faults == [])
                #expect(replay.logs.count == 690)
                try await hub.program.kill()
            }
        }
    }

    /// `broadtape chain run`, Redis, hub.
    @Test func redisWayLosesNothing() async throws {
        try await MirrorPeer.with(seed: 42) { peer in
            let redis = try await RedisServer.start()
            defer { redis.stop() }
            try await withFolder { folder in
                try await peer.advance(100)
                try await peer.emit(30, 2)
                try await peer.say(10)
                let configuration = try folder.write(peer.configuration, to: "chain.yaml")
                let arguments = ["chain", "--config", configuration, "--redis", redis.url]
                var chain = try Program(arguments, in: folder)
                let hub = try await RunningHub.start(
                    in: folder,
                    ["--jwt-secret", RunningHub.secret, "--redis", redis.url]
                )
                try await peer.advance(100)
                _ = try await Self.settled(hub, peer)
                _ = try redis.disconnectClients()
                try await peer.emit(10, 2)
                try await peer.say(3, chunks: 2)
                try await peer.advance(10)
                try await chain.kill()
                try await peer.emit(10, 2)
                try await peer.advance(200)
                chain = try Program(arguments, in: folder)
                let replay = try await Self.settled(hub, peer)
                #expect(replay.faults == [])
                try await chain.kill()
                try await hub.program.kill()
            }
        }
    }
}
