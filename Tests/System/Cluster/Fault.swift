// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What happens to a cluster under load, and ends again.
enum Fault: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case nodeKilled
    case postgresKilled
    case postgresStopped
    case postgresPaused
    case redisKilled
    case redisClientsKilled
    case redisPaused
    /// One node cannot reach Redis, and does not notice at first.
    case nodeCutOffFromRedis

    var testDescription: String { self.rawValue }

    /// Lets it happen, waits until it has had an effect, and undoes it.
    func strike(_ cluster: Cluster, _ traffic: Traffic, using random: inout SplitMix) async throws {
        let place = Int.random(in: 0..<Cluster.size, using: &random)
        switch self {
        case .nodeKilled:
            try await cluster.nodes[place].program.kill()
            try await cluster.start(place)
        case .postgresKilled:
            await cluster.postgres.kill()
            try await Self.unready(cluster)
            try await cluster.postgres.start()
        case .postgresStopped:
            await cluster.postgres.stop()
            try await Self.unready(cluster)
            try await cluster.postgres.start()
        case .postgresPaused:
            cluster.postgres.pause()
            try await Self.unready(cluster)
            cluster.postgres.resume()
        case .redisKilled:
            cluster.redis.kill()
            try await Self.more(traffic)
            try await cluster.redis.restart()
        case .redisClientsKilled:
            #expect(try cluster.redis.disconnectClients() > 0)
        case .redisPaused:
            cluster.redis.pause()
            try await Self.more(traffic)
            cluster.redis.resume()
        case .nodeCutOffFromRedis:
            cluster.proxies[place].become(.silent)
            try await Self.more(traffic)
            cluster.proxies[place].become(.closed)
            try await Self.more(traffic)
            cluster.proxies[place].become(.open)
        }
        try await cluster.waitUntilReady()
    }

    /// Returns once the nodes know that they cannot commit.
    private static func unready(_ cluster: Cluster) async throws {
        for node in cluster.nodes {
            try await eventually("\(node.url) is not ready", within: .seconds(30)) {
                try await node.get("/health/ready").status == 503
            }
        }
    }

    /// Returns once publishing has continued: it does not need Redis.
    private static func more(_ traffic: Traffic) async throws {
        let before = traffic.promises.value.count
        try await traffic.promises.wait(for: "more receipts") { $0.count >= before + 20 || traffic.isDone($0) }
    }
}
