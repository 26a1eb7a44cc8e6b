// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// What outside publishers send over Redis while several nodes could take it in.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct FanInTests {
    private static let channel = "rateChange:BTC%2FUSDT"

    private static func message(_ number: Int) -> String {
        #"{"type":"rateChange","id":"r\#(number)","sourceSeq":\#(number),"data":{"pair":"BTC/USDT","rate":"\#(number).5"}}"#
    }

    /// The node that takes messages in.
    private static func leader(of cluster: Cluster) async throws -> Int {
        var leaders: [Int] = []
        try await eventually("one node takes messages in", within: .seconds(30)) {
            leaders = []
            for (place, node) in cluster.nodes.enumerated() {
                if try await node.metric("broadtape_fanin_leader") == 1 { leaders.append(place) }
            }
            return leaders.count == 1
        }
        return try #require(leaders.first)
    }

    private static func head(on node: RunningHub) async throws -> Int {
        let answer = try await node.get("/channels/\(Self.channel)")
        return try #require(try JSON.Value.parse(answer.body)["head"]?.integer(in: .seq))
    }

    /// Sends a message repeatedly until it is stored: Redis keeps nothing for a node that is not listening yet.
    private static func send(_ number: Int, to cluster: Cluster, until node: RunningHub) async throws {
        try await eventually("message \(number) is stored", within: .seconds(30)) {
            _ = try cluster.redis.publish(Self.message(number), to: "rate.test")
            return try await Self.head(on: node) >= number
        }
    }

    @Test
    func everyMessageStandsOnceAndAnotherNodeTakesOver() async throws {
        try await Cluster.with { cluster in
            let leader = try await Self.leader(of: cluster)
            for number in 1...20 { try await Self.send(number, to: cluster, until: cluster.nodes[leader]) }
            _ = try cluster.redis.publish("no event", to: "rate.test")
            try await eventually("what is no event is set aside", within: .seconds(30)) {
                try await cluster.nodes[leader].metric("broadtape_fanin_letters_total") == 1
            }
            for node in cluster.nodes { #expect(try await Self.head(on: node) == 20) }

            try await cluster.nodes[leader].program.kill()
            let other = cluster.nodes[(leader + 1) % Cluster.size]
            try await Self.send(21, to: cluster, until: other)
            #expect(try await Self.head(on: other) == 21)
            let broken = try await cluster.brokenChannels()
            #expect(broken.isEmpty)
            for (table, count) in [("events", "21"), ("dead_letters", "1")] {
                let rows = try await cluster.postgres.execute("SELECT count(*) FROM \(table)", at: cluster.database)
                #expect(rows.split(separator: "\n") == [count[...]], "\(table)")
            }
        }
    }
}
