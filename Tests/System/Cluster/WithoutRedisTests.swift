// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import TestSupport
import Testing

/// Two processes on one Postgres, and no Redis between them.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct WithoutRedisTests {
    private func withNodes(_ body: (RunningHub, RunningHub) async throws -> Void) async throws {
        let database = try await PostgresServer.shared.makeSchema()
        let arguments = ["--jwt-secret", RunningHub.secret, "--loops", "1", "--database", database]
        try await TestSupport.withHub(arguments + ["--node", "node-1"]) { first in
            try await TestSupport.withHub(arguments + ["--node", "node-2"]) { second in
                try await body(first, second)
            }
        }
    }

    private static func rate(_ number: Int) throws -> Publication {
        let data = Array(#"{"rate":"\#(number)"}"#.utf8)
        return try Publication(type: "rateChange", keys: ["A/B"], id: "r\(number)", data: data)
    }

    @Test func eachTellsWhatTheOtherCommitsWithinTheTimePromised() async throws {
        try await self.withNodes { first, second in
            let token = try await first.token("svc", "publish:*")
            let nodes = [first, second]
            let publishers = try nodes.map { Publisher(to: try $0.address(), token: { token }) }
            let followers = nodes.map { _ in RecordingSubscriber(["rateChange:A/B"], token: nil) }
            try await withThrowingTaskGroup(of: Void.self) { following in
                for (node, follower) in zip(nodes, followers) {
                    let address = try node.address()
                    following.addTask { try await follower.run(to: address) }
                }
                for follower in followers {
                    try await follower.log.wait(for: "a connection") { $0.connections > 0 }
                }
                for number in 1...6 {
                    _ = try await publishers[number % 2].publish([try Self.rate(number)])
                    let start = ContinuousClock.now
                    for follower in followers { try await follower.wait(for: ["rateChange:A/B": number]) }
                    // 500 ms, and three times as much again for a busy machine.
                    #expect(ContinuousClock.now - start < .seconds(2), "event \(number)")
                }
                following.cancelAll()
            }
            #expect(followers.flatMap(\.log.value.faults) == [])
        }
    }

    @Test func whoeverComesGetsTheHeadAndMayComeFromTheOther() async throws {
        try await self.withNodes { first, second in
            let token = try await first.token("svc", "publish:*")
            let publisher = Publisher(to: try first.address(), token: { token })
            for number in 1...4 {
                _ = try await publisher.publish([try Self.rate(number)])
                // Already stored by the other node; delivered here at once.
                let subscriber = try Subscriber(
                    to: try second.address(),
                    subscriptions: [Subscription("rateChange:A/B", from: .after(number - 1))]
                )
                let seen = Watched<[Update]>([])
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask {
                        try? await subscriber.run { updates in
                            for await update in updates { seen.change { $0.append(update) } }
                        }
                    }
                    try await seen.wait(for: "event \(number)") { updates in
                        updates.contains { if case .event(let event) = $0 { event.seq == number } else { false } }
                    }
                    tasks.cancelAll()
                }
                let gaps = seen.value.filter { if case .gap = $0 { true } else { false } }
                #expect(gaps.isEmpty, "\(seen.value)")
            }
        }
    }
}
