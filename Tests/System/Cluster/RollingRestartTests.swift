// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import TestSupport
import Testing

/// Nodes are replaced one after the other under load.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct RollingRestartTests {
    private static let window: Duration = .seconds(2)
    private static let crowd = 40

    @Test func nothingIsLostAndReconnectsAreSpread() async throws {
        let retries = Retries(
            patience: .seconds(90),
            backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(200))
        )
        try await Cluster.with(environment: ["BROADTAPE_DRAIN_WINDOW": "2s"]) { cluster in
            var random = SplitMix(seed: 1)
            let first = cluster.nodes[0]
            let publisherToken = try await first.token("svc", "publish:*")
            let auditorToken = try await first.token("auditor", "read:*")
            let followers = try await Traffic.followers { try await first.token($0) }
            let traffic = try Traffic(publishers: Cluster.size, requests: 800, using: &random)
            let publishers = try cluster.nodes.map { node in
                Publisher(to: try node.address(), token: { publisherToken }, retries: retries)
            }
            let goodbyes = Watched<[[ContinuousClock.Instant]]>(Array(repeating: [], count: Cluster.size))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for (number, follower) in followers.enumerated() {
                    let address = try cluster.nodes[number % Cluster.size].address()
                    tasks.addTask { try await follower.run(to: address) }
                }
                let joined = Watched(0)
                for place in 0..<Cluster.size {
                    for _ in 0..<Self.crowd {
                        let member = try Self.member(of: cluster.nodes[place])
                        tasks.addTask {
                            try? await member.run { updates in
                                var isFirst = true
                                for await update in updates {
                                    switch update {
                                    case .subscribed where isFirst:
                                        isFirst = false
                                        joined.change { $0 += 1 }
                                    case .disconnected(.closed(4001, _), _):
                                        goodbyes.change { $0[place].append(.now) }
                                    default:
                                        break
                                    }
                                }
                            }
                        }
                    }
                }
                try await joined.wait(for: "the crowd") { $0 == Cluster.size * Self.crowd }
                try await withThrowingTaskGroup(of: Void.self) { publishing in
                    for (plan, publisher) in zip(traffic.plans, publishers) {
                        publishing.addTask { try await traffic.publish(plan, by: publisher) }
                    }
                    for place in 0..<Cluster.size {
                        cluster.nodes[place].program.terminate()
                        #expect(try await cluster.nodes[place].program.end(within: .seconds(30)).status == 0)
                        try await cluster.start(place)
                        try await cluster.waitUntilReady()
                    }
                    try await publishing.waitForAll()
                }
                for node in cluster.nodes {
                    try await traffic.check(on: node, token: auditorToken, followers: followers, connections: 1...20)
                }
                tasks.cancelAll()
                try await tasks.waitForAll()
            }
            for times in goodbyes.value { Self.expectSpread(times) }
            #expect(try await cluster.brokenChannels().isEmpty)
        }
    }

    private static func member(of node: RunningHub) throws -> Subscriber {
        try Subscriber(
            to: try node.address(),
            subscriptions: [Subscription("rateChange:CROWD", from: .live)],
            token: nil,
            options: .init(backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(200)))
        )
    }

    /// All clients were disconnected, spread over most of the window, and no tenth of it had more than a third of them.
    private static func expectSpread(_ times: [ContinuousClock.Instant]) {
        #expect(times.count >= Self.crowd)
        guard let first = times.min(), let last = times.max() else { return }
        #expect(last - first > Self.window / 2)
        var slices: [Int: Int] = [:]
        for time in times { slices[Int((time - first) / (Self.window / 10)), default: 0] += 1 }
        #expect((slices.values.max() ?? 0) * 3 <= times.count, "\(slices)")
    }
}
