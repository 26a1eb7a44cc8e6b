// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import JSON
import Synchronization
import TestSupport
import Testing

/// Failover to a second endpoint when the first one is unusable.
@Suite struct EndpointTests {
    private static func node(
        mined count: Int,
        endpoints: Int = 2,
        rules: EndpointRotation.Rules = .restless
    ) throws -> SimulatedNode {
        let node = SimulatedNode(try SimulatedChain(seed: 3), endpoints: endpoints, rules: rules)
        node.change { $0.mine(count, transactions: 1...2) }
        return node
    }

    /// After one failure the first endpoint remains out of rotation.
    private static var lasting: EndpointRotation.Rules {
        var rules = EndpointRotation.Rules.restless
        rules.rest = .seconds(600) ... .seconds(600)
        rules.probation = .seconds(600) ... .seconds(600)
        return rules
    }

    private static let faults: [(NodeFault, EndpointTrouble)] = [
        (.unfit(.refused, "it answered 401: invalid project id"), .refused),
        (.unfit(.unreachable, "connection refused"), .unreachable), (.unfit(.pruned, "4444"), .pruned),
        (.again("the answer is not JSON: <html>"), .failing), (.slowDown("it answered 429"), .throttled),
        (.slowDown("it answered 429", after: .seconds(3_600)), .throttled),
    ]

    /// Its fault keeps nothing from being read, and stops nothing.
    @Test(arguments: Self.faults.indices)
    func secondEndpointIsAsked(_ index: Int) async throws {
        let (fault, trouble) = Self.faults[index]
        let node = try Self.node(mined: 30, rules: Self.lasting)
        node.change { $0.finalize(20) }
        node.intercept(endpoint: 0) { _, _ in throw fault }
        let following = Following(node)
        try await following.catchUp(attempts: 100)
        #expect(following.differences == [])
        #expect(node.endpoints.reports.map(\.isUsed) == [false, true])
        #expect(node.endpoints.reports.map(\.trouble) == [trouble.rawValue, nil])
        #expect(node.endpoints.reports[0].why == FollowFault(testing: fault).description)
    }

    /// What providers say inside a good answer, of every question or of one method.
    static let refusals: [(Int, String, EndpointTrouble)] = [
        (-32_001, "Unauthorized", .refused), (-32_002, "rejected due to project ID settings", .refused),
        (-32_600, "Must be authenticated!", .refused), (-32_601, "the method eth_getLogs is not available", .refused),
        (-32_001, "rpc method is not whitelisted", .refused), (-32_000, "invalid api key", .refused),
        (-32_052, "API key is not allowed to access blockchain", .refused), (-32_600, "App is inactive", .refused),
        (-32_005, "daily request count exceeded", .throttled), (-32_011, "request limit reached", .throttled),
        (-32_016, "over rate limit", .throttled), (429, "Monthly capacity limit exceeded", .throttled),
        (-32_005, "project ID request rate exceeded", .throttled),
        (-32_000, "You have exceeded your quota", .throttled),
        (-32_000, "missing trie node 00 (path )", .pruned), (4444, "pruned history unavailable", .pruned),
        (-32_000, "history of block 5 is not available", .pruned),
        (-32_000, "Archive requests require a personal token", .pruned),
        (-32_000, "project ID does not have access to archive state", .pruned),
        (-32_000, "height 1 is not available, lowest height is 709050", .pruned),
        (-32_000, "header not found", .failing),
        (-32_000, "no backend is currently healthy to serve traffic", .failing),
        (-32_603, "Internal JSON-RPC error.", .failing),
    ]

    @Test(arguments: Self.refusals.indices, [false, true])
    func refusalsConcernTheirEndpoint(_ index: Int, _ isOfLogs: Bool) async throws {
        let (code, message, trouble) = Self.refusals[index]
        let node = try Self.node(mined: 30, rules: Self.lasting)
        node.change { $0.finalize(20) }
        node.intercept(endpoint: 0) { call, _ in
            if isOfLogs, !call.method.hasSuffix("Logs") { return nil }
            return .refusal(Refusal(code: code, message: message))
        }
        let following = Following(node)
        try await following.catchUp(attempts: 100)
        #expect(following.differences == [])
        #expect(node.endpoints.reports.map(\.trouble) == [trouble.rawValue, nil])
        #expect(node.endpoints.reports[0].why.contains(message))
    }

    /// All of them are down: nothing stops, and when one is well again nothing was lost.
    @Test func allAreAskedForEver() async throws {
        let node = try Self.node(mined: 12)
        node.intercept { _, _ in throw NodeFault.unfit(.refused, "it answered 403") }
        let following = Following(node)
        #expect(await following.stops(attempts: 1_000) == nil)
        #expect(node.endpoints.reports.allSatisfy { $0.failures["refused"] ?? 0 > 100 })
        node.intercept(nil)
        try await following.catchUp(attempts: 100)
        #expect(following.differences == [])
    }

    /// A node that was pruned answers null where it has no block any more.
    @Test func blocksThatAreGoneAreAskedOfAnother() async throws {
        let node = try Self.node(mined: 30, rules: Self.lasting)
        node.change { $0.finalize(28) }
        node.intercept(endpoint: 0) { call, _ in
            guard case .block(.number(let number)) = call, (1..<20).contains(number) else { return nil }
            return .result(SimulatedNode.json("null"))
        }
        let following = Following(node)
        try await following.catchUp(attempts: 100)
        #expect(following.differences == [])
    }

    // MARK: - Heads

    /// It answers, and nothing new comes from it.
    @Test func headThatStandsStill() async throws {
        var rules = Self.lasting
        rules.stall = .milliseconds(50)
        let node = try Self.node(mined: 12, rules: rules)
        let following = Following(node)
        try await following.catchUp()
        let frozen = node.chain
        node.intercept(endpoint: 0) { call, answer in
            switch call {
            case .block(.latest): .result(SimulatedNode.json(frozen.blocks[frozen.view.hashes[12]]?.block))
            case .block(.number(let number)) where number > 12: .result(SimulatedNode.json("null"))
            default: nil
            }
        }
        node.change { $0.mine(5, transactions: 1...2) }
        try await eventually("the second endpoint's blocks") {
            _ = try? await following.follower.step()
            return await following.follower.status.number == 17
        }
        #expect(following.differences == [])
        #expect(node.endpoints.reports.map(\.isUsed) == [false, true])
        #expect(node.endpoints.reports[0].trouble == "stalled")
    }

    /// The second endpoint is some blocks behind, on the same branch or on one that was given up: it is waited for, and
    /// nothing is taken back.
    @Test(arguments: [false, true])
    func endpointThatLagsIsNoReorganisation(_ isOnDeadBranch: Bool) async throws {
        let node = try Self.node(mined: 12, rules: Self.lasting)
        if isOnDeadBranch {
            node.change { $0.reorganise(depth: 3, length: 5) }
            node.setBehind(1, endpoint: 1)
        } else {
            node.setBehind(3, endpoint: 1)
        }
        let following = Following(node)
        try await following.catchUp()
        let events = following.sink.state.value.events.count
        node.intercept(endpoint: 0) { _, _ in throw NodeFault.unfit(.refused, "it answered 401") }
        for _ in 0..<20 { _ = try? await following.follower.step() }
        #expect(node.endpoints.reports.map(\.isUsed) == [false, true])
        #expect(following.sink.state.value.events.count == events)
        #expect(await following.follower.status.rollbacks == 0)
        // It has caught up.
        node.setBehind(0, endpoint: 1)
        node.change { $0.mine(3, transactions: 1...2) }
        try await following.catchUp()
        #expect(following.differences == [])
        #expect(await following.follower.status.undone == 0)
    }

    /// What the second endpoint has that the first never had is a reorganisation.
    @Test func longerBranchOfAnotherEndpointIsOne() async throws {
        let node = try Self.node(mined: 12, rules: Self.lasting)
        let following = Following(node)
        try await following.catchUp()
        node.change { $0.reorganise(depth: 3, length: 4) }
        node.intercept(endpoint: 0) { _, _ in throw NodeFault.unfit(.refused, "it answered 401") }
        try await following.catchUp()
        #expect(following.differences == [])
        #expect(await following.follower.status.rollbacks == 1)
    }

    /// A head and a finality that cannot be are believed by nobody once their endpoint is out.
    @Test func headThatCannotBe() async throws {
        let node = try Self.node(mined: 12, rules: Self.lasting)
        var block = node.block(12)
        block.number = .max >> 8
        let far = SimulatedNode.json(block)
        node.intercept(endpoint: 0) { call, _ in
            switch call {
            case .block(.latest), .block(.finalized): .result(far)
            case .block(.number(let number)) where number > 0: .result(SimulatedNode.json("null"))
            default: nil
            }
        }
        let following = Following(node)
        try await following.catchUp(attempts: 50)
        #expect(following.differences == [])
        #expect(node.endpoints.reports.map(\.trouble) == ["failing", nil])
    }

    // MARK: - Other chains

    /// The second endpoint is of another chain: it is out, the source is not.
    @Test(arguments: [0, 1], [false, true])
    func foreignEndpointIsOut(_ foreign: Int, _ isKnownBefore: Bool) async throws {
        let node = try Self.node(mined: 12)
        var chain = node.chain.configuration
        chain.chainID = 7
        node.intercept(endpoint: foreign) { call, _ in
            call == .chainID ? .result(SimulatedNode.json("\"0x5\"")) : nil
        }
        let following = Following(node, RecordingSink(), chain)
        if isKnownBefore { try await following.catchUp() }
        node.change { $0.mine(2, transactions: 1...2) }
        for _ in 0..<20 {
            _ = try? await following.follower.step()
            if Int.random(in: 0..<3) == 0 { node.moveToAnotherEndpoint() }
        }
        #expect(await following.follower.status.stopped == nil)
        try await following.catchUp()
        #expect(following.differences == [])
        #expect(node.endpoints.reports[foreign].failures["foreign"] ?? 0 > 0)
    }

    /// A gateway that begins to answer with another chain is found out before what it says counts.
    @Test func gatewayThatChangesItsChainIsOut() async throws {
        let node = try Self.node(mined: 12, rules: Self.lasting)
        node.change { $0.finalize(10) }
        let following = Following(node)
        try await following.catchUp()
        var other = try SimulatedChain(seed: 99)
        other.mine(40)
        let strange = other
        node.intercept(endpoint: 0) { call, _ in
            switch call {
            case .chainID: .result(SimulatedNode.json("\"0x5\""))
            case .block(.number(let number)):
                .result(SimulatedNode.json(strange.blocks[strange.view.hashes[number]]?.block))
            case .blockByHash(let hash): .result(SimulatedNode.json(strange.blocks[hash]?.block))
            case .block(.latest): .result(SimulatedNode.json(strange.blocks[strange.view.hashes[40]]?.block))
            case .block(.finalized): .result(SimulatedNode.json(strange.blocks[strange.view.hashes[38]]?.block))
            default: nil
            }
        }
        node.change { $0.mine(3, transactions: 1...2) }
        try await following.catchUp(attempts: 50)
        #expect(following.differences == [])
        #expect(node.endpoints.reports[0].trouble == "foreign")
    }

    /// Two endpoints that disagree about what is final: that is what a source stops for.
    @Test func endpointsThatDisagreeAboutFinalityStopTheSource() async throws {
        let node = try Self.node(mined: 12, rules: Self.lasting)
        node.change { $0.finalize(10) }
        let following = Following(node)
        try await following.catchUp()
        node.change {
            $0.reorganise(depth: 6, length: 8)
            $0.finalize(12)
        }
        node.intercept(endpoint: 0) { _, _ in throw NodeFault.unfit(.unreachable, "connection refused") }
        #expect(await following.stops()?.contains("final block 10") == true)
    }

    // MARK: - Beside

    /// The second endpoint's key has expired: it is known before it is needed, and when it is well again.
    @Test func endpointsThatAreNotInUseAreLookedAt() async throws {
        var rules = EndpointRotation.Rules.restless
        rules.probe = .milliseconds(1)
        let node = try Self.node(mined: 12, rules: rules)
        let following = Following(node)
        try await following.catchUp()
        node.intercept(endpoint: 1) { _, _ in throw NodeFault.unfit(.refused, "it answered 401") }
        let follower = following.follower
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await follower.watchEndpoints() }
            try await eventually("the trouble") { node.endpoints.reports[1].trouble == "refused" }
            #expect(node.endpoints.reports[0].isUsed)
            node.intercept(endpoint: 1, nil)
            try await eventually("no trouble") { node.endpoints.reports[1].trouble == nil }
            #expect(node.endpoints.reports[1].head == 12)
            node.intercept(endpoint: 1) { call, _ in
                call == .chainID ? .result(SimulatedNode.json("\"0x5\"")) : nil
            }
            try await eventually("another chain") { node.endpoints.reports[1].trouble == "foreign" }
            #expect(await follower.status.stopped == nil)
            group.cancelAll()
        }
    }

    /// A store that cannot be written is no fault of an endpoint.
    @Test func storeIsNotTheEndpointsFault() async throws {
        let node = try Self.node(mined: 12)
        let following = Following(node)
        try await following.catchUp()
        node.change { $0.mine(1, transactions: 1...2) }
        for _ in 0..<10 {
            following.sink.state.change { $0.nextCrash = .before }
            do throws(FollowFault) {
                _ = try await following.follower.step()
            } catch {
                guard case .unavailable = error else { throw error }
            }
        }
        following.sink.state.change { $0.hasCrashed = false }
        #expect(node.endpoints.reports.map(\.failures) == [[:], [:]])
        #expect(node.endpoints.reports[0].isUsed)
    }
}

extension SimulatedNode {
    static func json(_ block: Block?) -> JSON.Value {
        block.map { Self.json($0) } ?? Self.json("null")
    }
}

extension FollowFault {
    fileprivate init(testing fault: NodeFault) {
        switch fault {
        case .again(let why, _), .slowDown(let why, _), .tooLarge(let why), .unfit(_, let why, _): self = .again(why)
        }
    }
}
