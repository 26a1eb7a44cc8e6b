// SPDX-License-Identifier: Apache-2.0

import ChainSource
import JSON
import TestSupport
import Testing

/// What a follower does when a node refuses.
@Suite struct RefusalTests {
    private static let tooLarge = Refusal(code: -32_005, message: "query returned more than 10000 results")

    private static func node(mined count: Int, seed: UInt64 = 3) throws -> SimulatedNode {
        let node = SimulatedNode(try SimulatedChain(seed: seed))
        node.change { $0.mine(count, transactions: 1...2) }
        return node
    }

    private static let refusals: [Refusal] = [
        Refusal(code: -32_005, message: "query returned more than 10000 results"),
        Refusal(code: -32_614, message: "eth_getLogs is limited to a 2 range"),
        Refusal(code: -32_602, message: "Log response size exceeded. this block range should work: [0x1, 0x2]"),
        Refusal(code: -32_602, message: "this block range should work: [0x1, 0xfffff]"),
        Refusal(code: -32_602, message: "block range is too wide, try [0x9, 0x1]"),
        Refusal(code: -32_000, message: "exceed maximum block range: 2"),
        Refusal(code: -32_000, message: "query timeout exceeded"),
    ]

    @Test(arguments: Self.refusals)
    func rangesAdaptToRefusals(_ refusal: Refusal) async throws {
        let node = try Self.node(mined: 40)
        node.change { $0.finalize(38) }
        node.intercept { call, _ in
            guard case .logsInRange(let range, _) = call, range.count > 2 else { return nil }
            return .refusal(refusal)
        }
        let following = Following(node)
        try await following.catchUp(attempts: 400)
        #expect(following.differences == [])
        #expect(following.retries == 0)
    }

    /// A cap that strikes at one block: its logs are fetched another way.
    @Test func oneBlockThatIsTooLargeIsTakenInParts() async throws {
        let node = try Self.node(mined: 20)
        node.change { $0.finalize(20) }
        node.intercept { call, _ in
            switch call {
            case .logsInRange, .logsOfBlock(_, nil):
                .refusal(Refusal(code: -32_005, message: "query returned more than 10000 results"))
            default: nil
            }
        }
        let following = Following(node)
        for _ in 0..<400 { _ = try? await following.follower.step() }
        #expect(await following.follower.status.number == 20)
        #expect(following.differences == [])
    }

    /// Neither answers of more bytes than are taken, nor a status 413, say which of the questions was too much.
    @Test(arguments: [0, 15])
    func batchThatIsTooLargeIsAskedForInParts(_ final: Int) async throws {
        let node = try Self.node(mined: 15)
        node.change { $0.finalize(final) }
        node.intercept { call, _ in
            switch call {
            case .logsInRange(let range, _) where range.count > 2: throw NodeFault.tooLarge("413")
            case .logsOfBlock(_, nil): throw NodeFault.tooLarge("413")
            default: return nil
            }
        }
        let following = Following(node)
        try await following.catchUp(attempts: 100)
        #expect(following.differences == [])
        #expect(following.retries == 0)
    }

    @Test func limitOfRateIsNoLimitOfSize() async throws {
        let node = try Self.node(mined: 40)
        node.change { $0.finalize(38) }
        node.intercept { call, _ in
            guard case .logsInRange = call else { return nil }
            return .refusal(Refusal(code: -32_005, message: "daily request rate limited"))
        }
        let following = Following(node)
        for _ in 0..<3 {
            do throws(FollowFault) {
                _ = try await following.follower.step()
            } catch {
                guard case .slowDown = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
        node.intercept(nil)
        _ = node.takeCalls()
        _ = try await following.follower.step()
        let widths = node.takeCalls().compactMap { call -> Int? in
            if case .logsInRange(let range, _) = call { range.count } else { nil }
        }
        #expect(widths == [following.chain.firstSpan])
    }

    // MARK: A block at the tip that has more logs than the node gives at once

    /// The receipts have them, and must have all of them.
    @Test(arguments: [0, 1])
    func receiptsHaveWhatIsTooMuchForOneAnswer(_ missing: Int) async throws {
        let node = try Self.node(mined: 12)
        let blocks = node.chain.blocks
        node.intercept { call, _ in
            switch call {
            case .logsOfBlock(_, nil): return .refusal(Self.tooLarge)
            case .receiptsOfBlock(let hash):
                let logs = (blocks[hash]?.logs ?? []).dropLast(missing)
                let parts = [logs.prefix(1), logs.dropFirst(1)].map { part in
                    #"{"logs":\#(SimulatedNode.json(Array(part)).text.map { String(UnicodeScalar($0)) }.joined())}"#
                }
                return .result(SimulatedNode.json("[\(parts.joined(separator: ","))]"))
            default: return nil
            }
        }
        let following = Following(node)
        for _ in 0..<40 { _ = try? await following.follower.step() }
        if missing == 0 {
            #expect(following.differences == [])
        } else {
            #expect(await following.follower.status.number < 12)
            #expect(following.sink.state.value.events == [])
        }
        #expect(!node.takeCalls().contains { if case .logsOfBlock(_, .some) = $0 { true } else { false } })
    }

    /// Nor do the receipts come; contract by contract they do.
    @Test func contractsAreAskedForOneByOne() async throws {
        let node = try Self.node(mined: 12)
        let other = node.chain.other
        var chain = node.chain.configuration
        chain.contracts[other] = chain.contracts[node.chain.address]
        node.intercept { call, _ in
            switch call {
            case .logsOfBlock(_, nil): .refusal(Self.tooLarge)
            case .logsOfBlock(_, let filter?) where filter.addresses.count > 1: .refusal(Self.tooLarge)
            default: nil
            }
        }
        let following = Following(node, RecordingSink(), chain)
        try await following.catchUp()
        #expect(await following.follower.status.number == 12)
        let told = Replay(following.sink.state.value.events).facts.count
        let wanted = node.chain.view.hashes.flatMap { node.chain.blocks[$0]?.logs ?? [] }.filter {
            chain.wanted($0).map { $0.signature.topic == node.chain.events[0].topic } ?? false && $0.topics.count == 2
                || chain.wanted($0).map { $0.signature.topic == node.chain.events[1].topic } ?? false
                    && $0.topics.count == 3
        }
        #expect(told == wanted.count)
    }

    /// A full block's bloom filter says yes to everything; the node, which has the block's logs, says that none is of
    /// our contract. It is not asked for ever.
    @Test func fullBlockWithoutWantedLogsIsPassed() async throws {
        let node = try Self.node(mined: 4)
        node.change { $0.mine(1, transactions: 0...0) }
        let last = node.chain.view.hashes[5]
        let full = Bloom(bytes: [UInt8](repeating: 0xff, count: 256)) ?? Bloom()
        var block = node.block(5)
        block.bloom = full
        let saturated = SimulatedNode.json(block)
        node.intercept { call, _ in
            switch call {
            case .block(.number(5)), .block(.latest), .blockByHash(last): .result(saturated)
            case .logsOfBlock(last, nil): .refusal(Self.tooLarge)
            default: nil
            }
        }
        let following = Following(node)
        try await following.catchUp()
        #expect(await following.follower.status.number == 5)
        #expect(following.differences == [])
    }
}
