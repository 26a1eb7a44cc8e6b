// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import TestSupport
import Testing

/// Whatever fails under load, on all nodes: what was acknowledged is there, and everyone gets all of it once and in
/// order.
@Suite(.system, .serialized, .timeLimit(.minutes(10)))
struct FaultTests {
    private static let retries = Retries(
        patience: .seconds(90),
        backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(200))
    )

    @Test(arguments: Fault.allCases, [1, 2] as [UInt64])
    func nothingIsLostDoubledOrReordered(_ fault: Fault, _ seed: UInt64) async throws {
        try await Cluster.with { cluster in
            var random = SplitMix(seed: seed)
            let first = cluster.nodes[0]
            let publisherToken = try await first.token("svc", "publish:*")
            let auditorToken = try await first.token("auditor", "read:*")
            let followers = try await Traffic.followers { try await first.token($0) }
            let traffic = try Traffic(publishers: Cluster.size, requests: 80, using: &random)
            let publishers = try cluster.nodes.map { node in
                Publisher(to: try node.address(), token: { publisherToken }, retries: Self.retries)
            }
            try await withThrowingTaskGroup(of: Void.self) { following in
                for (number, follower) in followers.enumerated() {
                    let address = try cluster.nodes[number % Cluster.size].address()
                    following.addTask { try await follower.run(to: address) }
                }
                for follower in followers {
                    try await follower.log.wait(for: "a connection") { $0.connections > 0 }
                }
                try await withThrowingTaskGroup(of: Void.self) { publishing in
                    for (plan, publisher) in zip(traffic.plans, publishers) {
                        publishing.addTask { try await traffic.publish(plan, by: publisher) }
                    }
                    let threshold = Int.random(in: 20...150, using: &random)
                    try await traffic.promises.wait(for: "\(threshold) receipts") { $0.count >= threshold }
                    try await fault.strike(cluster, traffic, using: &random)
                    try await publishing.waitForAll()
                }
                // While Postgres does not answer, clients that cannot catch up reconnect periodically, each time with
                // the cursor they had.
                let connections = fault == .postgresPaused ? 1...12 : 1...3
                for node in cluster.nodes {
                    try await traffic.check(
                        on: node,
                        token: auditorToken,
                        followers: followers,
                        connections: connections
                    )
                }
                for publisher in publishers { try await traffic.expectDuplicates(by: publisher) }
                following.cancelAll()
                try await following.waitForAll()
            }
            #expect(try await cluster.brokenChannels().isEmpty)
            let verification = try await cluster.verify()
            #expect(verification.status == 0, "\(verification)")
        }
    }
}
