// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import TestSupport
import Testing

/// What is revoked at one node ends on all of them.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct RevocationTests {
    /// With a way to Redis, and on a node whose way is dead without its knowing.
    @Test(arguments: [false, true])
    func socketsOnEveryNodeAreClosedWithinASecond(_ isCut: Bool) async throws {
        try await Cluster.with { cluster in
            if isCut { cluster.proxies[2].become(.silent) }
            let token = try await cluster.nodes[0].token("u_42")
            let followers = (0..<Cluster.size).map { _ in RecordingSubscriber(["transactionUpdate:u_42"], token: token)
            }
            let admin = try #require(cluster.nodes[0].adminURL)
            try await withThrowingTaskGroup(of: Void.self) { following in
                for (node, follower) in zip(cluster.nodes, followers) {
                    let address = try node.address()
                    following.addTask { try await follower.run(to: address) }
                }
                for follower in followers {
                    try await follower.log.wait(for: "a connection") { $0.connections > 0 }
                }
                let record = try await cluster.nodes[0].run("revoke", "--subject", "u_42", "--admin-url", admin)
                let start = ContinuousClock.now
                #expect(record.status == 0, "\(record)")
                for follower in followers {
                    // Final: a subscriber does not come back after 4502 by itself.
                    try await follower.log.wait(for: "the end") { $0.faults.contains { $0.contains("4502") } }
                }
                // Within a second, and as much again for a busy machine.
                #expect(ContinuousClock.now - start < .seconds(2))
                following.cancelAll()
            }
            for node in cluster.nodes {
                #expect(try await node.get("/channels", token: token).status == 401)
            }
            // A node that starts later knows it as well.
            try await cluster.nodes[1].program.kill()
            try await cluster.start(1)
            #expect(try await cluster.nodes[1].get("/channels", token: token).status == 401)
            try await eventually("a new second") {
                try await cluster.nodes[2].get("/channels", token: cluster.nodes[0].token("u_42")).status == 200
            }
        }
    }
}
