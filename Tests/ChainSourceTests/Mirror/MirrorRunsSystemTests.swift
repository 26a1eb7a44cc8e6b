// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChainSource
import Foundation
import Ingest
import NIOCore
import TestSupport
import Testing

/// Random histories behind a faulty mirror, with crashes: in the end every log and message is published exactly once.
@Suite(.system, .serialized, .timeLimit(.minutes(15)))
struct MirrorRunsSystemTests {
    /// `BROADTAPE_CHAIN_ROUNDS` makes the runs longer, `BROADTAPE_CHAIN_SEED` begins with another seed.
    private static let rounds = Self.variable("BROADTAPE_CHAIN_ROUNDS") ?? 15
    private static let seeds = (0..<3).map { (Self.variable("BROADTAPE_CHAIN_SEED") ?? 1) + $0 }

    private static func variable(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    private static let faults = """
        {"late":0.3,"latest":%LATEST%,"ghost":0.05,"partial":0.2,"nulls":0.05,"lagging":0.2,"lag":20,"429":0.03,\
        "500":0.03,"hang":0.003,"garbage":0.02,"truncated":0.03,"closed":0.03,"html":0.02,"loop":0.05}
        """

    @Test(arguments: Self.seeds)
    func toldIsWhatThereIs(_ seed: Int) async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        do {
            try await MirrorPeer.with(seed: seed) { try await Self.run($0, seed, client) }
        } catch {
            try? await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }

    private static func run(_ peer: MirrorPeer, _ seed: Int, _ client: HTTPClient) async throws {
        var random = SplitMix(seed: UInt64(seed))
        var limits = HTTPMirror.Limits()
        limits.time = .milliseconds(400)
        let sink = RecordingSink()
        sink.state.change {
            $0.random = SplitMix(seed: UInt64(seed) + 7)
            $0.crashes = 15
        }
        let mirroring = Mirroring(
            HTTPMirror(urls: [peer.url], client: client, limits: limits, rules: .restless, logger: Following.quiet),
            try peer.mirror(),
            sink
        )
        // Up to half the settle window, or, on every third seed, more than it: only the second passes find those.
        let faults = Self.faults.replacing("%LATEST%", with: seed % 3 == 0 ? "1200" : "30")
        try await peer.advance(10)
        try await peer.emit(1, 1)
        try await peer.say(1)
        for round in 0..<Self.rounds {
            try await peer.control("faults", faults)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<8, using: &random) {
                case 0...3:
                    let logs = Int.random(in: 1...7, using: &random)
                    try await peer.emit(Int.random(in: 1...40, using: &random), logs)
                case 4: try await peer.emit(3, 2, of: EntityID(number: 6))
                case 5: try await peer.say(Int.random(in: 1...30, using: &random))
                case 6:
                    try await peer.say(
                        Int.random(in: 1...3, using: &random),
                        chunks: Int.random(in: 2...5, using: &random)
                    )
                default: break
                }
                try await peer.advance(Int.random(in: 1...40, using: &random))
            }
            // Periodically the network advances while the follower is idle.
            if round % 6 == 5 { try await peer.advance(Int.random(in: 600...9_000, using: &random)) }
            for _ in 0..<Int.random(in: 0...6, using: &random) { _ = try await mirroring.step() }
            #expect(mirroring.told.faults == [], "seed \(seed), round \(round)")
        }
        // Whatever was missed is there by now; a topic waits for its late messages.
        try await peer.control("faults")
        for seconds in [1_300, 3_700, 1_500, 88_000, 1_500] {
            try await peer.advance(seconds)
            try await mirroring.catchUp()
        }
        let (logs, messages) = try await peer.truth()
        let told = mirroring.told
        #expect(told.differences(from: logs) == [], "seed \(seed)")
        #expect(told.messages.mapValues(\.message) == messages)
        #expect(mirroring.crashes > 0 && mirroring.retries > 0)
        #expect(sink.state.value.deadLetters.isEmpty)
        // Nothing is remembered that is not needed any more.
        #expect(mirroring.remembered("/h/").isEmpty)
    }
}
