// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Synchronization
import TestSupport
import Testing

/// One directed test for each rule that keeps a follower from telling what is not so: without the rule its test fails.
@Suite struct SafetyRuleTests {
    private static func node(mined count: Int, seed: UInt64 = 1) throws -> SimulatedNode {
        let node = SimulatedNode(try SimulatedChain(seed: seed))
        node.change { $0.mine(count, transactions: 1...2) }
        return node
    }

    /// **Range continuity.** While the follower was idle, the chain was reorganised and the new branch became final:
    /// the next range does not continue from the stored block.
    @Test func rangeHasToStandOnOurBlock() async throws {
        let node = try Self.node(mined: 20)
        node.change { $0.finalize(10) }
        let following = Following(node)
        try await following.catchUp()
        #expect(await following.follower.status.number == 20)
        node.change {
            $0.reorganise(depth: 6, length: 6)
            $0.mine(30, transactions: 1...1)
            $0.finalize(45)
        }
        following.restart()
        try await following.catchUp()
        #expect(await following.follower.status.rollbacks == 1)
        #expect(following.differences == [])
    }

    /// **End of ranges.** A node that has less than we know of answers a range short and says nothing; only that it
    /// does not have the range's last block shows it.
    @Test func rangeHasToHaveItsEnd() async throws {
        let node = try Self.node(mined: 40)
        node.change { $0.finalize(35) }
        let isBehind = Mutex(true)
        let behind = node.chain
        node.intercept { call, answer in
            // The pool: who knows the head answers the rest, too; the range comes from who has 12 blocks only.
            guard isBehind.withLock({ $0 }) else { return nil }
            switch call {
            case .logsInRange(let range, let filter) where range.upperBound > 12:
                let logs = range.prefix { $0 <= 12 }.flatMap { behind.blocks[behind.view.hashes[$0]]?.logs ?? [] }
                return .result(SimulatedNode.json(logs.filter(filter.includes)))
            case .block(.number(let number)) where number > 12:
                return .result(SimulatedNode.json("null"))
            default:
                return nil
            }
        }
        let following = Following(node)
        for _ in 0..<20 { _ = try? await following.follower.step() }
        #expect(await following.follower.status.number <= 12)
        isBehind.withLock { $0 = false }
        try await following.catchUp()
        #expect(following.differences == [])
    }

    /// **End of ranges, by hash.** The logs of the last block are of another branch than the block itself.
    @Test func logsHaveToBeOfTheBlocksOfTheRange() async throws {
        let node = try Self.node(mined: 12)
        let before = node.chain
        node.change {
            $0.reorganise(depth: 2, length: 2, keeps: false)
            $0.mine(6, transactions: 1...1)
            $0.finalize(12)
        }
        let isMixed = Mutex(true)
        node.intercept { call, _ in
            guard isMixed.withLock({ $0 }), case .logsInRange(let range, let filter) = call else { return nil }
            let logs = range.flatMap {
                before.view.hashes.indices.contains($0) ? before.blocks[before.view.hashes[$0]]?.logs ?? [] : []
            }
            return .result(SimulatedNode.json(logs.filter(filter.includes)))
        }
        let following = Following(node)
        for _ in 0..<20 { _ = try? await following.follower.step() }
        isMixed.withLock { $0 = false }
        try await following.catchUp()
        #expect(following.differences == [])
    }

    /// **Bloom.** A block is known, its logs are not there yet, and the node says that there are none (erigon #16861).
    @Test(arguments: [0, 1])
    func logsHaveToAgreeWithTheBloomFilter(_ left: Int) async throws {
        let node = try Self.node(mined: 6)
        let isEarly = Mutex(true)
        let sim = node.chain
        node.intercept { call, _ in
            guard isEarly.withLock({ $0 }), case .logsOfBlock(let hash, _) = call else { return nil }
            let logs = sim.blocks[hash]?.logs ?? []
            return .result(SimulatedNode.json(Array(logs.prefix(min(left, logs.count - 1)))))
        }
        let following = Following(node)
        for _ in 0..<20 { _ = try? await following.follower.step() }
        isEarly.withLock { $0 = false }
        try await following.catchUp()
        #expect(following.differences == [])
    }

    /// **Logs by hash.** Between the question for a block and that for its logs the chain is reorganised.
    @Test func logsAreAskedForByTheHashOfTheBlock() async throws {
        let node = try Self.node(mined: 6)
        let following = Following(node)
        try await following.catchUp()
        node.change { $0.mine(1, transactions: 2...2) }
        let hasChanged = Mutex(false)
        let old = node.chain
        var replaced = old
        replaced.reorganise(depth: 1, length: 1, keeps: false)
        let new = replaced
        node.intercept { call, _ in
            switch call {
            case .logsOfBlock(let hash, _):
                // By hash the old block is still there.
                hasChanged.withLock { $0 = true }
                return .result(SimulatedNode.json(old.blocks[hash]?.logs ?? new.blocks[hash]?.logs ?? []))
            case .logsInRange(let range, let filter):
                hasChanged.withLock { $0 = true }
                let logs = range.flatMap { new.blocks[new.view.hashes[$0]]?.logs ?? [] }
                return .result(SimulatedNode.json(logs.filter(filter.includes)))
            default:
                return nil
            }
        }
        _ = try await following.follower.step()
        #expect(hasChanged.withLock { $0 })
        node.intercept(nil)
        // The old block was taken in as it was.
        #expect(following.differences == [])
        #expect(!node.takeCalls().contains { if case .logsInRange = $0 { true } else { false } })
    }

    /// **Finality does not go back.** Final events are not undone when a node reports a lower final block.
    @Test func finalityIsAPromise() async throws {
        let node = try Self.node(mined: 30)
        node.change { $0.finalize(15) }
        let following = Following(node)
        try await following.catchUp()
        node.change { $0.finalize(25) }
        try await following.catchUp()
        #expect(await following.follower.status.final == 25)
        let told = following.sink.state.value.events
        // A node behind the others says that 12 is final, for as long as it lasts; the chain breaks its promise.
        let twelve = SimulatedNode.json(node.block(12))
        node.intercept { call, _ in
            if case .block(.finalized) = call { return .result(twelve) }
            return nil
        }
        try await following.catchUp()
        #expect(await following.follower.status.final == 25)
        node.change { $0.reorganise(depth: 10, length: 12) }
        let why = await following.stops()
        #expect(why?.contains("final block 25") == true)
        // A follower that starts at such a node publishes nothing either.
        following.restart()
        #expect(await following.stops() != nil)
        #expect(following.sink.state.value.events == told)
    }

    /// **Parents at the tip.** The parent of the next block is not the stored block.
    @Test func nextBlockHasToStandOnOurs() async throws {
        let node = try Self.node(mined: 10)
        let following = Following(node)
        try await following.catchUp()
        node.change { $0.reorganise(depth: 4, length: 6) }
        try await following.catchUp()
        #expect(await following.follower.status.rollbacks == 1)
        #expect(following.differences == [])
    }

    /// **Ids.** A branch that disappears and comes back is published three times, with new ids each time.
    @Test func branchThatComesBackIsToldAnew() async throws {
        let node = try Self.node(mined: 8)
        let following = Following(node)
        try await following.catchUp()
        for _ in 0..<3 {
            node.change { $0.reorganise(depth: 2, length: 2) }
            try await following.catchUp()
            node.change { $0.goBack(by: 1) }
            try await following.catchUp()
            #expect(following.differences == [])
        }
        #expect(await following.follower.status.rollbacks == 6)
    }
}

extension SimulatedNode {
    func block(_ number: Int) -> Block {
        let chain = self.chain
        return chain.blocks[chain.view.hashes[number]]?.block
            ?? Block(number: -1, hash: .zero, parentHash: .zero, bloom: Bloom())
    }
}
