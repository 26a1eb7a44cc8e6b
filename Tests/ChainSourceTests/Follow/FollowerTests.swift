// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import JSON
import Synchronization
import TestSupport
import Testing

/// The failure cases of a follower, one by one.
@Suite struct FollowerTests {
    private static func node(mined count: Int, seed: UInt64 = 3) throws -> SimulatedNode {
        let node = SimulatedNode(try SimulatedChain(seed: seed))
        node.change { $0.mine(count, transactions: 1...2) }
        return node
    }

    // MARK: Levels

    @Test func factsRiseThroughTheLevels() async throws {
        let node = try Self.node(mined: 1)
        let following = Following(node)
        try await following.catchUp()
        func levels() -> [Int: Chain.Level] {
            let facts = Replay(following.sink.state.value.events).facts.values
            return Dictionary(facts.map { ($0.blockNumber, $0.level) }) { first, _ in first }
        }
        #expect(Set(levels().values).isSubset(of: [.seen]))
        node.change { $0.mine(5, transactions: 2...2) }
        try await following.catchUp()
        #expect(levels().filter { $0.value == .confirmed }.keys.allSatisfy { $0 <= 3 })
        #expect(levels()[3] == .confirmed)
        #expect(levels()[4] == .seen)
        node.change { $0.finalize(4) }
        try await following.catchUp()
        #expect(levels()[4] == .final)
        #expect(levels()[5] == .seen)
        #expect(following.differences == [])
    }

    @Test func onlyWantedLevelsAreTold() async throws {
        let node = try Self.node(mined: 10)
        var chain = node.chain.configuration
        chain.levels = [.final]
        let following = Following(node, RecordingSink(), chain)
        try await following.catchUp()
        #expect(following.sink.state.value.events.isEmpty)
        // Nothing was published, so nothing is undone.
        node.change { $0.reorganise(depth: 4, length: 4) }
        try await following.catchUp()
        #expect(following.sink.state.value.events.isEmpty)
        node.change { $0.finalize(10) }
        try await following.catchUp()
        #expect(following.differences == [])
    }

    // MARK: Down and up

    @Test func nothingIsMissedWhileDown() async throws {
        let node = try Self.node(mined: 5)
        let following = Following(node)
        try await following.catchUp()
        node.change {
            $0.mine(100, transactions: 0...2)
            $0.finalize(95)
        }
        following.restart()
        try await following.catchUp()
        #expect(following.differences == [])
        let numbers = following.sink.state.value.events.compactMap { event in
            (try? JSON.Value.parse(event.data))?["blockNumber"]?.integer(in: .seq)
        }
        // Below finality each log is published once, in order.
        #expect(numbers.filter { $0 > 5 && $0 <= 95 } == numbers.filter { $0 > 5 && $0 <= 95 }.sorted())
    }

    @Test(arguments: 1...8, [-1, 0, 2])
    func reorganisationsOfEachDepthAreUndone(_ depth: Int, _ more: Int) async throws {
        let node = try Self.node(mined: 12, seed: UInt64(depth))
        let following = Following(node)
        try await following.catchUp()
        node.change { $0.reorganise(depth: depth, length: max(1, depth + more)) }
        following.restart()
        try await following.catchUp()
        #expect(following.differences == [])
        #expect(await following.follower.status.number == node.chain.head)
    }

    @Test func headThatGoesBackIsNothingNew() async throws {
        let node = try Self.node(mined: 12)
        let following = Following(node)
        try await following.catchUp()
        let commits = following.sink.state.value.commits
        node.set(SimulatedNode.Faults(lagging: 100, lag: 1...5))
        for _ in 0..<20 { #expect(try await following.follower.step() == .idle) }
        #expect(following.sink.state.value.commits == commits)
    }

    @Test(arguments: RecordingSink.Crash.allCases, 0..<14)
    func killedAtEachCommit(_ crash: RecordingSink.Crash, _ commit: Int) async throws {
        let node = try Self.node(mined: 12, seed: 5)
        node.change { $0.finalize(4) }
        let following = Following(node)
        var commits = 0
        // Starts, reads a range, reads blocks, rolls back, reports finality; crashes at one of the commits.
        for phase in 0..<3 {
            if phase == 1 { node.change { $0.reorganise(depth: 3, length: 4) } }
            if phase == 2 { node.change { $0.finalize(9) } }
            while true {
                if commits == commit { following.sink.state.change { $0.nextCrash = crash } }
                let before = following.sink.state.value.commits
                let progress = try? await following.follower.step()
                if following.sink.state.value.commits > before { commits += 1 }
                if following.sink.state.value.hasCrashed {
                    following.sink.state.change { $0.hasCrashed = false }
                    following.restart()
                    commits = .max / 2
                }
                if progress == .idle { break }
            }
        }
        #expect(following.differences == [])
        #expect(await following.follower.status.final == 9)
    }

    // MARK: Where it stops

    @Test func anotherChainIsRefused() async throws {
        let node = SimulatedNode(try SimulatedChain(seed: 3), endpoints: 2)
        node.change { $0.mine(3, transactions: 1...2) }
        let following = Following(node)
        try await following.catchUp()
        node.set(chainID: 8)
        // Not before the endpoint is another, or the process.
        #expect(try await following.follower.step() == .idle)
        node.moveToAnotherEndpoint()
        #expect(await following.stops()?.contains("chain 8") == true)
        following.restart()
        #expect(await following.stops()?.contains("chain 8") == true)
    }

    @Test func anotherGenesisIsRefused() async throws {
        let node = try Self.node(mined: 3)
        let following = Following(node)
        try await following.catchUp()
        node.intercept { call, _ in
            guard call == .block(.number(0)) else { return nil }
            return .result(SimulatedNode.json(Block(number: 0, hash: .zero, parentHash: .zero, bloom: Bloom())))
        }
        following.restart()
        #expect(await following.stops()?.contains("another chain") == true)
    }

    @Test func changedContractsAreRefused() async throws {
        let node = try Self.node(mined: 3)
        let following = Following(node)
        try await following.catchUp()
        var chain = following.chain
        chain.contracts[node.chain.other] = [Chain.WantedEvent(signature: node.chain.events[0])]
        #expect(await Following(node, following.sink, chain).stops()?.contains("have changed") == true)
    }

    /// It does not stop: the history may come back with another key, or another endpoint.
    @Test func prunedHistoryIsAskedForAgain() async throws {
        let node = try Self.node(mined: 9)
        node.change { $0.finalize(8) }
        node.intercept { call, _ in
            guard case .logsInRange = call else { return nil }
            return .refusal(Refusal(code: 4444, message: "pruned history unavailable"))
        }
        let following = Following(node)
        #expect(await following.stops() == nil)
        #expect(node.endpoints.reports.first?.trouble == "pruned")
        #expect(node.endpoints.trouble.contains("archive node"))
        #expect(following.sink.state.value.events.isEmpty)
        node.intercept(nil)
        try await following.catchUp()
        #expect(following.differences == [])
    }

    // MARK: Where it begins

    @Test func startsAtTheBlockThatIsWanted() async throws {
        let node = try Self.node(mined: 20)
        node.change { $0.finalize(15) }
        var chain = node.chain.configuration
        chain.start = 10
        let following = Following(node, RecordingSink(), chain)
        try await following.catchUp()
        let facts = Replay(following.sink.state.value.events).facts.values
        #expect(facts.allSatisfy { $0.blockNumber >= 10 })
        #expect(facts.count == node.chain.truth().count { $0.blockNumber >= 10 })
    }

    @Test func startAboveTheHeadIsWaitedFor() async throws {
        let node = try Self.node(mined: 5)
        var chain = node.chain.configuration
        chain.start = 8
        let following = Following(node, RecordingSink(), chain)
        try await following.catchUp()
        #expect(following.sink.state.value.events.isEmpty)
        node.change { $0.mine(8, transactions: 2...2) }
        try await following.catchUp()
        let facts = Replay(following.sink.state.value.events).facts.values
        #expect(facts.count == node.chain.truth().count { $0.blockNumber >= 8 })
    }

    // MARK: What cannot be decoded

    @Test func undecodableLogsAreSetAside() async throws {
        let node = try Self.node(mined: 40)
        let following = Following(node)
        try await following.catchUp()
        let others = node.chain.view.hashes.flatMap { node.chain.blocks[$0]?.logs ?? [] }.count {
            $0.address == node.chain.address && $0.topics.count == 4
        }
        #expect(others > 0)
        #expect(following.sink.state.value.deadLetters.count == others)
        #expect(following.sink.state.value.deadLetters.allSatisfy { $0.reason.contains("4 topics") })
        #expect(following.differences == [])
    }

    // MARK: Users

    @Test func usersHearOfWhatTheirWalletsDid() async throws {
        let node = SimulatedNode(try SimulatedChain(seed: 3))
        var chain = node.chain.configuration
        let move = TransferRule(
            kind: .transaction,
            owner: "from",
            amount: "value",
            decimals: 2,
            type: "transfer",
            currency: "FND"
        )
        let balance = TransferRule(kind: .balance, owner: "to", amount: "value")
        chain.contracts = [
            node.chain.address: [Chain.WantedEvent(signature: node.chain.events[1], moves: [move, balance])]
        ]
        let sink = RecordingSink()
        let owner = try #require(Address("0x0000000000000000000000000000000000000001"))
        let other = try #require(Address("0x0000000000000000000000000000000000000002"))
        let follower = Follower(
            chain: chain,
            node: node,
            sink: sink,
            users: { [owner: "u_1", other: "u_2"] },
            logger: Following.quiet
        )
        node.change { $0.mine(30, transactions: 2...2) }
        while try await follower.step() != .idle {}
        let pending = sink.state.value.events.filter { $0.type == "transactionUpdate" }
        #expect(!pending.isEmpty)
        #expect(pending.allSatisfy { $0.key == "u_1" })
        let first = try JSON.Value.parse(try #require(pending.first).data)
        #expect(first["status"]?.string == "pending")
        #expect(first["currency"]?.string == "FND")
        #expect(first["amount"]?.string?.contains(".") == true)
        #expect(!sink.state.value.events.contains { $0.type == "balanceUpdate" })
        // The same transaction, wherever a reorganisation puts it.
        func identifiers(_ events: some Sequence<SourceEvent>) throws -> Set<String> {
            Set(try events.compactMap { try JSON.Value.parse($0.data)["transactionId"]?.string })
        }
        let before = try identifiers(pending)
        node.change { $0.reorganise(depth: 5, length: 5) }
        while try await follower.step() != .idle {}
        let after = sink.state.value.events.dropFirst(pending.count).filter { $0.type == "transactionUpdate" }
        let reversed = after.filter { String(decoding: $0.data, as: UTF8.self).contains("\"reversed\"") }
        #expect(!reversed.isEmpty)
        let undone = try identifiers(reversed)
        #expect(undone.isSubset(of: before))
        node.change { $0.finalize(30) }
        while try await follower.step() != .idle {}
        #expect(sink.state.value.events.contains { $0.type == "balanceUpdate" && $0.key == "u_2" })
    }

    // MARK: Resolving

    @Test func operatorDecidesAfterABrokenPromise() async throws {
        let node = try Self.node(mined: 30)
        node.change { $0.finalize(20) }
        let following = Following(node)
        try await following.catchUp()
        node.change { $0.reorganise(depth: 14, length: 15) }
        #expect(await following.stops() != nil)
        following.restart()
        let resolution = try await following.follower.resolve(restartAt: nil)
        guard case .undone(let number, _) = resolution else {
            Issue.record("\(resolution)")
            return
        }
        #expect(number == 16)
        following.restart()
        try await following.catchUp()
        // Here what was final is undone, by decision; nothing else may be wrong.
        #expect(following.differences.allSatisfy { $0.hasSuffix("undoes what was final") })
        #expect(await following.follower.status.number == 31)
        following.restart()
        #expect(try await following.follower.resolve(restartAt: nil) == .unneeded)
    }

    @Test func operatorNamesABlockWhenNothingIsInCommon() async throws {
        let node = try Self.node(mined: 30)
        node.change { $0.finalize(28) }
        var chain = node.chain.configuration
        chain.remembered = 2
        let following = Following(node, RecordingSink(), chain)
        try await following.catchUp()
        node.change { $0.reorganise(depth: 20, length: 22) }
        #expect(await following.stops() != nil)
        following.restart()
        await #expect(throws: FollowFault.self) { try await following.follower.resolve(restartAt: nil) }
        #expect(try await following.follower.resolve(restartAt: 31) == .restarted(at: 31))
        following.restart()
        node.change { $0.mine(3, transactions: 2...2) }
        try await following.catchUp()
        let told = Replay(following.sink.state.value.events).facts.values.filter { $0.blockNumber > 31 }
        #expect(told.count == node.chain.truth().count { $0.blockNumber > 31 })
    }
}
