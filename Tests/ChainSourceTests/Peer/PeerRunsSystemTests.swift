// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import Foundation
import Ingest
import TestSupport
import Testing

/// Random histories of a real EVM behind a bad node, over HTTP.
@Suite(.system, .serialized, .timeLimit(.minutes(15)))
struct PeerRunsSystemTests {
    /// `BROADTAPE_CHAIN_ROUNDS` makes the runs longer.
    private static let rounds =
        ProcessInfo.processInfo.environment["BROADTAPE_CHAIN_ROUNDS"].flatMap { Int($0) }.map { max(1, $0 / 10) } ?? 5

    private static let faults = """
        {"lagging":0.2,"missing":0.15,"short":0.1,"refusing":0.2,"largest":12,"429":0.03,"500":0.03,"html":0.02,\
        "rate":0.02,"garbage":0.02,"wrongid":0.02,"shuffled":0.2,"incomplete":0.02,"closed":0.03,"hang":0.01}
        """

    @Test(arguments: [1, 2])
    func toldIsTheChain(_ seed: Int) async throws {
        try await PeerNode.with(seed: seed) { peer in
            var random = SplitMix(seed: UInt64(seed))
            let chain = try peer.chain()
            let sink = RecordingSink()
            sink.state.change {
                $0.random = SplitMix(seed: UInt64(seed) + 7)
                $0.crashes = 5
            }
            var limits = HTTPNode.Limits()
            limits.time = .seconds(1)
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            var retries = 0
            func follower() -> Follower {
                let node = HTTPNode(
                    urls: [peer.url],
                    client: client,
                    limits: limits,
                    rules: .restless,
                    logger: Following.quiet
                )
                return Follower(chain: chain, node: node, sink: sink, logger: Following.quiet)
            }
            var current = follower()
            /// Steps until the follower has all there is, or so many times.
            func steps(_ limit: Int) async throws -> Bool {
                for _ in 0..<limit {
                    do throws(FollowFault) {
                        if try await current.step() == .idle { return true }
                    } catch {
                        if case .stopped(let why) = error { throw Following.Stuck(why: why) }
                        retries += 1
                    }
                    if sink.state.value.hasCrashed {
                        sink.state.change { $0.hasCrashed = false }
                        current = follower()
                    }
                }
                return false
            }
            try await peer.control("emit", "6", "2", "1")
            do {
                for round in 0..<Self.rounds {
                    try await peer.control("faults", Self.faults)
                    for _ in 0..<Int.random(in: 1...2, using: &random) {
                        try await Self.change(peer, using: &random)
                        _ = try await steps(Int.random(in: 0...12, using: &random))
                    }
                    try await peer.control("faults", "{}")
                    while !(try await steps(1000)) {}
                    let differences = Replay(sink.state.value.events).differences(from: try await peer.truth(chain))
                    #expect(differences == [], "seed \(seed), round \(round)")
                }
            } catch {
                try? await client.shutdown()
                throw error
            }
            try await client.shutdown()
            #expect(retries > 0)
        }
    }

    /// Something happens to the chain: events, a reorganisation, or blocks become final.
    private static func change(_ peer: PeerNode, using random: inout SplitMix) async throws {
        switch Int.random(in: 0..<5, using: &random) {
        case 0...1:
            try await peer.control("emit", "\(Int.random(in: 1...4, using: &random))", "2", "2")
        case 2...3:
            let depth = Int.random(in: 1...8, using: &random)
            let length = max(1, depth + Int.random(in: -1...2, using: &random))
            try await peer.control("reorganise", "\(depth)", "\(length)", "\(Bool.random(using: &random))")
        default:
            let head = try await peer.head
            try await peer.control("finalize", "\(head - 9)")
        }
    }

    /// The EVM's own bloom filters agree with ours: without them the runs would not end. And the values are right.
    @Test func valuesAreDecoded() async throws {
        try await PeerNode.with(seed: 9) { peer in
            try await peer.control("emit", "4", "6", "1")
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            let sink = RecordingSink()
            let chain = try peer.chain()
            let follower = Follower(
                chain: chain,
                node: HTTPNode(urls: [peer.url], client: client, logger: Following.quiet),
                sink: sink,
                logger: Following.quiet
            )
            while try await follower.step() != .idle {}
            try await client.shutdown()
            let facts = Replay(sink.state.value.events).facts.values
            #expect(Replay(sink.state.value.events).differences(from: try await peer.truth(chain)) == [])
            #expect(facts.contains { $0.args.contains("\"text\":\"№") })
            // What is near 2^256.
            #expect(
                facts.contains {
                    $0.args.contains("\"1157920892373161954235709850086879078532699846656405640394575840079131296")
                }
            )
        }
    }
}
