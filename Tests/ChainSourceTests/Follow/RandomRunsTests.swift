// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Foundation
import TestSupport
import Testing

/// Random histories on faulty nodes, with crashes: after every round the replayed events match the chain.
@Suite struct RandomRunsTests {
    /// `BROADTAPE_CHAIN_ROUNDS` makes the runs longer, `BROADTAPE_CHAIN_SEED` begins with another seed.
    private static let rounds = Self.variable("BROADTAPE_CHAIN_ROUNDS") ?? 60
    private static let seeds = (0..<6).map { (Self.variable("BROADTAPE_CHAIN_SEED") ?? 1) + $0 }

    private static func variable(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test(arguments: Self.seeds)
    func toldIsTheChain(_ seed: Int) async throws {
        var random = SplitMix(seed: UInt64(seed))
        let node = SimulatedNode(try SimulatedChain(seed: UInt64(seed)), seed: UInt64(seed) + 1000)
        let sink = RecordingSink()
        sink.state.change {
            $0.random = SplitMix(seed: UInt64(seed) + 2000)
            $0.crashes = 5
        }
        let finality: Chain.Finality = seed % 3 == 0 ? .depth(12) : .tag
        var chain = node.chain.configuration
        chain.finality = finality
        if seed % 4 == 0 { chain.levels = [.confirmed, .final] }
        let following = Following(node, sink, chain)
        node.change { $0.mine(20) }
        for round in 0..<Self.rounds {
            node.set(.bad)
            for _ in 0..<Int.random(in: 1...3, using: &random) { Self.change(node, chain, &random) }
            if Int.random(in: 0..<4, using: &random) > 0 {
                // Periodically the chain grows while the follower is idle.
                for _ in 0..<Int.random(in: 0...40, using: &random) { try await Self.step(following) }
            }
            if round % 5 == 4 {
                node.set(SimulatedNode.Faults())
                try await following.catchUp { [head = node.chain.head] in $0.number == head }
                let wanted = chain.levels.contains(.seen) ? node.chain.head : node.chain.head - chain.confirmations
                let told = Replay(sink.state.value.events)
                let differences = told.differences(from: node.chain.truth(upTo: wanted))
                #expect(differences.isEmpty, "seed \(seed), round \(round)")
                guard differences.isEmpty else { return }
            }
        }
        #expect(following.crashes > 0)
        #expect(following.retries > 0)
        #expect(Replay(sink.state.value.events).undone > 0)
    }

    private static func step(_ following: Following) async throws {
        do throws(FollowFault) {
            _ = try await following.follower.step()
        } catch {
            if case .stopped(let why) = error { throw Following.Stuck(why: why) }
        }
        if following.sink.state.value.hasCrashed {
            following.sink.state.change { $0.hasCrashed = false }
            following.restart()
        }
    }

    /// Never below what any node calls final, which a node that lags behind does not know of.
    private static func change(_ node: SimulatedNode, _ chain: Chain, _ random: inout SplitMix) {
        let kind = Int.random(in: 0..<10, using: &random)
        let (count, depth, length) = (
            Int.random(in: 1...6, using: &random), Int.random(in: 1...8, using: &random),
            Int.random(in: -2...3, using: &random)
        )
        node.change { sim in
            let floor: Int
            if case .depth(let finality) = chain.finality {
                floor = (sim.views.map(\.hashes.count).max() ?? 0) - 1 - finality
            } else {
                floor = sim.view.final
            }
            switch kind {
            case 0...4:
                sim.mine(count)
            case 5...7:
                let deepest = min(depth, sim.head - max(floor, 0))
                guard deepest > 0 else { return sim.mine(1) }
                sim.reorganise(depth: deepest, length: max(1, deepest + length), keeps: kind != 7)
            default:
                if case .tag = chain.finality { sim.finalize(max(sim.view.final, sim.head - 10)) } else { sim.mine(1) }
            }
        }
    }
}
