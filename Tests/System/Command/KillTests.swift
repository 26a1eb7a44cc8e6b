// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import TestSupport
import Testing

/// `kill -9` while publishers publish and subscribers follow: what was acknowledged is there, and everyone gets all of
/// it once and in order.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct KillTests {
    private static let kills = 2
    private static let retries = Retries(
        patience: .seconds(60),
        backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(200))
    )

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func whatWasAcknowledgedSurvives(_ seed: UInt64) async throws {
        try await withFolder { folder in
            var random = SplitMix(seed: seed)
            var hub = try await RunningHub.start(in: folder)
            let address = try hub.address()
            let publisherToken = try await hub.token("svc", "publish:*")
            let auditorToken = try await hub.token("auditor", "read:*")
            let followers = try await Traffic.followers { [hub] in try await hub.token($0) }
            let traffic = try Traffic(publishers: 3, requests: 60, using: &random)
            let publisher = Publisher(to: address, token: { publisherToken }, retries: Self.retries)

            try await withThrowingTaskGroup(of: Void.self) { following in
                for follower in followers {
                    following.addTask { try await follower.run(to: address) }
                }
                for follower in followers {
                    try await follower.log.wait(for: "a connection") { $0.connections > 0 }
                }
                try await withThrowingTaskGroup(of: Void.self) { publishing in
                    for plan in traffic.plans {
                        publishing.addTask { try await traffic.publish(plan, by: publisher) }
                    }
                    var threshold = 0
                    for _ in 1...Self.kills {
                        threshold += Int.random(in: 10...120, using: &random)
                        try await traffic.promises.wait(for: "\(threshold) receipts") { [threshold] in
                            $0.count >= threshold
                        }
                        try await hub.program.kill()
                        hub = try await RunningHub.start(in: folder, port: hub.port)
                    }
                    try await publishing.waitForAll()
                }
                // One that was away at the second kill has missed only that.
                let connections = 2...Self.kills + 1
                try await traffic.check(on: hub, token: auditorToken, followers: followers, connections: connections)
                try await traffic.expectDuplicates(by: publisher)
                following.cancelAll()
                try await following.waitForAll()
            }
            try await hub.program.kill()
        }
    }
}
