// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import TestSupport
import Testing

/// What a chain reports while it runs.
@Suite(.timeLimit(.minutes(1)))
struct EVMChainSourceTests {
    private static func reports(
        _ node: SimulatedNode,
        until isDone: @escaping @Sendable ([SourceReport]) -> Bool
    ) async throws -> [SourceReport] {
        let reports = Watched<[SourceReport]>([])
        let following = Following(node)
        let runner = Following.runner(of: following.follower, limits: Self.limits, pace: Self.pace) { report in
            reports.change { $0.append(report) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            try await reports.wait(for: "the reports", until: isDone)
            group.cancelAll()
        }
        return reports.value
    }

    private static var limits: EVMChainSource.Limits {
        var limits = EVMChainSource.Limits()
        limits.poll = .milliseconds(5)
        limits.stale = .milliseconds(20)
        return limits
    }

    private static var pace: SourceRunner.Limits {
        var pace = SourceRunner.Limits()
        pace.retry = .milliseconds(1) ... .milliseconds(2)
        pace.report = .zero
        pace.halt = .milliseconds(1)
        return pace
    }

    @Test func catchesUpThenFollows() async throws {
        let node = SimulatedNode(try SimulatedChain(seed: 5))
        node.change { $0.mine(20, transactions: 1...1) }
        let reports = try await Self.reports(node) { $0.last?.state == .following }
        #expect(reports.first?.state == .catchingUp)
        let last = try #require(reports.last)
        #expect(last.name == "chain:sim")
        #expect(last.types == ["chainEvent"])
        #expect(last.position == 20)
        #expect(last.head == 20)
        #expect(last.events > 0)
        #expect(last.trouble == "")
    }

    @Test func nodeThatDoesNotAnswerMakesItStale() async throws {
        let node = SimulatedNode(try SimulatedChain(seed: 5))
        node.intercept { _, _ in throw NodeFault.again("connection refused") }
        let reports = try await Self.reports(node) { $0.last?.state == .stale }
        #expect(reports.last?.trouble.contains("connection refused") == true)
    }

    @Test func brokenPromiseStopsIt() async throws {
        let node = SimulatedNode(try SimulatedChain(seed: 5))
        node.change { $0.mine(3) }
        node.intercept { call, _ in
            call == .chainID ? .result(SimulatedNode.json("\"0x63\"")) : nil
        }
        let reports = try await Self.reports(node) { $0.last?.state == .stopped }
        #expect(reports.last?.trouble.contains("chain 99") == true)
    }
}
