// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import Synchronization
import TestSupport
import Testing

/// Three nodes on one Postgres and one Redis, each with its own proxy to Redis that a test can break.
final class Cluster: Sendable {
    static let size = 3

    let postgres: PostgresServer
    let redis: RedisServer
    /// Of the nodes, in front of Redis.
    let proxies: [FaultProxy]
    /// Where the tape is.
    let database: String
    private let folder: TestFolder
    private let environment: [String: String]
    private let running = Mutex<[RunningHub]>([])

    private init(
        _ postgres: PostgresServer,
        _ redis: RedisServer,
        _ proxies: [FaultProxy],
        database: String,
        in folder: TestFolder,
        environment: [String: String]
    ) {
        self.postgres = postgres
        self.redis = redis
        self.proxies = proxies
        self.folder = folder
        self.database = database
        self.environment = environment
    }

    /// Runs a body with a cluster, and ends it afterwards.
    /// - Parameter environment: Of the nodes, besides what all of them get.
    static func with(
        environment: [String: String] = [:],
        _ body: (Cluster) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            try await PostgresServer.with { postgres in
                let redis = try await RedisServer.start()
                defer { redis.stop() }
                var proxies: [FaultProxy] = []
                for _ in 0..<Self.size { proxies.append(try await FaultProxy.open(to: redis.port)) }
                let database = try await postgres.makeDatabase()
                let cluster = Cluster(
                    postgres,
                    redis,
                    proxies,
                    database: database,
                    in: folder,
                    environment: environment
                )
                let result: Result<Void, any Error>
                do {
                    for place in 0..<Self.size { try await cluster.start(place) }
                    try await body(cluster)
                    result = .success(())
                } catch {
                    result = .failure(error)
                }
                for node in cluster.nodes { try await node.program.kill() }
                for proxy in proxies { try await proxy.end() }
                try result.get()
            }
        }
    }

    var nodes: [RunningHub] {
        self.running.withLock { $0 }
    }

    /// Starts a node, on the port that it had.
    /// - Parameter environment: Of this node, besides that of all of them.
    func start(_ place: Int, environment: [String: String] = [:]) async throws {
        let hub = try await RunningHub.start(
            in: self.folder,
            port: self.nodes.indices.contains(place) ? self.nodes[place].port : 0,
            [
                "--jwt-secret", RunningHub.secret, "--node", "node-\(place + 1)", "--loops", "1",
                "--database", self.database, "--redis", "redis://127.0.0.1:\(self.proxies[place].port)",
            ],
            environment: environment.merging(
                self.environment.merging(
                    ["BROADTAPE_HEARTBEAT": "1s", "BROADTAPE_STALE_AFTER": "2s"],
                    uniquingKeysWith: { given, _ in given }
                ),
                uniquingKeysWith: { given, _ in given }
            )
        )
        self.running.withLock { nodes in
            if nodes.indices.contains(place) { nodes[place] = hub } else { nodes.append(hub) }
        }
    }

    /// Returns once all nodes say that they are ready.
    func waitUntilReady() async throws {
        for node in self.nodes {
            try await eventually("\(node.url) is ready", within: .seconds(30)) {
                (try? await node.get("/health/ready"))?.status == 200
            }
        }
    }

    /// Channels whose numbers are not 1 … head on the tape.
    func brokenChannels() async throws -> String {
        try await self.postgres.execute(
            """
            SELECT c.name, c.head, count(e.seq), min(e.seq), max(e.seq) FROM channels c LEFT JOIN events e ON e.channel = c.id
            GROUP BY c.id HAVING count(e.seq) <> c.head OR count(DISTINCT e.seq) <> c.head OR max(e.seq) <> c.head
            """,
            at: self.database
        )
    }

    /// What `broadtape verify` says of the tape.
    func verify() async throws -> Program.Record {
        try await Program.run(["verify", "--database", self.database], in: self.folder)
    }
}
