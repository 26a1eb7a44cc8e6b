// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import JSON
import NIOCore
import TestSupport
import Testing

/// The real program with unusable first endpoints.
@Suite(.system, .serialized, .timeLimit(.minutes(10)))
struct FailoverProgramSystemTests {
    /// A part of the gates' URLs that is nobody's business.
    private static let key = "0123456789abcdef"

    private static func start(_ configuration: String, in folder: TestFolder) async throws -> RunningHub {
        let path = try folder.write(configuration, to: "hub.yaml")
        return try await RunningHub.start(
            in: folder,
            ["--jwt-secret", RunningHub.secret, "--config", path, "--log-level", "debug"]
        )
    }

    private static func page(_ hub: RunningHub, _ path: String) async throws -> String {
        let url = try #require(hub.adminURL)
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url + path), timeout: .seconds(10))
        return String(buffer: try await response.body.collect(upTo: 1 << 20))
    }

    private static func count(_ text: String, _ parts: String...) -> Int {
        text.split(separator: "\n").count { line in parts.allSatisfy { line.contains($0) } }
    }

    private static func metric(_ name: String, _ source: String, _ endpoint: String) -> String {
        "broadtape_source_endpoint_\(name){source=\"\(source)\",endpoint=\"\(endpoint)\"}"
    }

    /// An expired key on the first endpoint and its WebSocket; then a head that does not advance.
    @Test func chainGoesOnAtTheSecondEndpoint() async throws {
        try await PeerNode.with(seed: 65) { peer in
            try await peer.control("emit", "8", "2", "2")
            try await GatePeer.with(before: peer.port) { gate in
                try await withFolder { folder in
                    try await gate.set("status", #""status":401,"body":"invalid project id 0123456789abcdef""#)
                    let hub = try await Self.start(Self.configuration(gate, peer, stall: "off"), in: folder)
                    _ = try await ProgramSystemTests.settled(hub, peer)
                    try await peer.control("emit", "2", "2", "2")
                    _ = try await ProgramSystemTests.settled(hub, peer)
                    try await eventually("the endpoint's metric") {
                        try await hub.metric(Self.metric("up", "chain:peer", gate.name)) == 0
                    }
                    #expect(try await hub.metric(Self.metric("used", "chain:peer", gate.name)) == 0)
                    #expect(try await hub.metric(Self.metric("used", "chain:peer", peer.url)) == 1)
                    #expect(try await hub.metric(Self.metric("up", "chain:peer", peer.url)) == 1)
                    let following = #"broadtape_source_state{source="chain:peer",state="following"}"#
                    try await eventually("it follows") { try await hub.metric(following) == 1 }
                    // Its socket too.
                    let socket = gate.webSocket.prefix { $0 != "v" }.dropLast()
                    try await eventually("the socket's metric") {
                        try await hub.metric(Self.metric("up", "chain:peer", String(socket))) == 0
                    }
                    let status = try await Self.page(hub, "/status")
                    #expect(status.contains("invalid project id ********"))
                    let log = hub.program.record.value.errors
                    #expect(Self.count(log, "an endpoint is in trouble", "endpoint=\(gate.name) ") == 1)
                    for text in [status, log, try await Self.page(hub, "/metrics")] {
                        #expect(!text.contains(Self.key))
                    }
                    try await hub.program.kill()
                }
            }
        }
    }

    private static func configuration(_ gate: GatePeer, _ peer: PeerNode, stall: String) -> String {
        peer.configuration
            .replacing("endpoints: \(peer.url)", with: "endpoints: [\(gate.url), \(peer.url)]\n    stall: \(stall)")
            .replacing("websocket: \(peer.webSocket)", with: "websocket: [\(gate.webSocket), \(peer.webSocket)]")
    }

    /// It answers all the time, and its head does not move.
    @Test func chainLeavesAnEndpointThatStandsStill() async throws {
        try await PeerNode.with(seed: 66) { peer in
            try await peer.control("emit", "8", "2", "2")
            try await GatePeer.with(before: peer.port) { gate in
                try await withFolder { folder in
                    let hub = try await Self.start(Self.configuration(gate, peer, stall: "5s"), in: folder)
                    _ = try await ProgramSystemTests.settled(hub, peer)
                    #expect(try await hub.metric(Self.metric("used", "chain:peer", gate.name)) == 1)
                    try await gate.set("freeze")
                    try await peer.control("emit", "2", "2", "2")
                    let replay = try await ProgramSystemTests.settled(hub, peer)
                    #expect(replay.undone == 0)
                    #expect(try await hub.metric(Self.metric("used", "chain:peer", peer.url)) == 1)
                    try await hub.program.record.wait(for: "the line") {
                        Self.count($0.errors, "an endpoint is in trouble", "trouble=stalled", gate.name) == 1
                    }
                    try await hub.program.kill()
                }
            }
        }
    }

    /// Every endpoint rejects requests from the start: nothing halts, the operator sees why, and the source recovers.
    @Test func chainOutlivesAllItsEndpoints() async throws {
        try await PeerNode.with(seed: 67) { peer in
            try await peer.control("emit", "4", "2", "2")
            try await GatePeer.with(before: peer.port) { gate in
                try await withFolder { folder in
                    try await gate.set("status", #""status":404"#)
                    let dead = "http://127.0.0.1:1"
                    let text = peer.configuration.replacing(
                        "endpoints: \(peer.url)",
                        with: "endpoints: [\(gate.url), \(dead)]"
                    )
                    let hub = try await Self.start(text, in: folder)
                    try await eventually("both are in trouble") {
                        let first = try await hub.metric(Self.metric("up", "chain:peer", gate.name))
                        let second = try await hub.metric(Self.metric("up", "chain:peer", dead))
                        return first == 0 && second == 0
                    }
                    let status = try JSON.Value.parse(Array(try await Self.page(hub, "/status").utf8))
                    let source = try #require(status["sources"]?.elements.first { _ in true })
                    #expect(source["state"]?.string != "stopped")
                    #expect(source["trouble"]?.string?.isEmpty == false)
                    try await gate.set("pass")
                    _ = try await ProgramSystemTests.settled(hub, peer)
                    try await hub.program.kill()
                }
            }
        }
    }

    /// A mirror's key has expired; a topic that does not exist yet keeps nothing else from being read.
    @Test func mirrorGoesOnAtTheSecondEndpoint() async throws {
        try await MirrorPeer.with(seed: 74) { peer in
            try await peer.advance(100)
            try await peer.emit(10, 2)
            try await peer.advance(200)
            try await GatePeer.with(before: peer.port) { gate in
                try await withFolder { folder in
                    try await gate.set("status", #""status":403,"body":"key 0123456789abcdef has expired""#)
                    let text = peer.configuration.replacing("[\(peer.url)/]", with: "[\(gate.url), \(peer.url)/]")
                    let hub = try await Self.start(text, in: folder)
                    let token = try await hub.token("reader", "read:*")
                    let contract = "chainEvent:\(MirrorPeer.contract)"
                    try await eventually("the logs") { try await hub.events(of: contract, token: token).count >= 20 }
                    try await eventually("the endpoints' metrics") {
                        let first = try await hub.metric(Self.metric("up", "chain:hedera", gate.name))
                        let second = try await hub.metric(Self.metric("used", "chain:hedera", peer.url))
                        return first == 0 && second == 1
                    }
                    try await eventually("the topic's absence") {
                        try await Self.page(hub, "/status").contains("topic \(MirrorPeer.topic): No such topic id")
                    }
                    try await peer.say(3)
                    try await peer.advance(10)
                    let topic = "topicMessage:\(MirrorPeer.topic)"
                    try await eventually("the messages") { try await hub.events(of: topic, token: token).count == 3 }
                    let log = hub.program.record.value.errors
                    #expect(Self.count(log, "an endpoint is in trouble", gate.name) == 1)
                    for text in [log, try await Self.page(hub, "/status"), try await Self.page(hub, "/metrics")] {
                        #expect(!text.contains(Self.key))
                    }
                    try await hub.program.kill()
                }
            }
        }
    }

    private static let mistakes: [(key: String, words: [String])] = [
        ("stall: 1", ["stall", "30s"]), ("stall: 2d", ["stall"]), ("websocket: http://x", ["websocket", "wss://"]),
        ("websocket: [wss://a.example, nonsense]", ["websocket"]), ("stal: 30s", ["stal", "stall"]),
    ]

    @Test(arguments: Self.mistakes.indices)
    func mistakesAreNamedWithTheirLine(_ index: Int) async throws {
        let (key, words) = Self.mistakes[index]
        try await withFolder { folder in
            let text = """
                chains:
                  main:
                    endpoints: [https://a.example]
                    \(key)
                    contracts:
                      "0x00000000000000000000000000000000000000c1":
                        - Paid(address indexed holder, uint256 amount)

                """
            let path = try folder.write(text, to: "hub.yaml")
            let record = try await Program.run(["check-config", "--config", path], in: folder)
            #expect(record.status == 1)
            #expect(record.errors.contains("hub.yaml:4: "), "\(record)")
            for word in words { #expect(record.errors.contains(word), "\(record)") }
        }
    }
}
