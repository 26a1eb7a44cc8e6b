// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import TestSupport
import Testing

/// What somebody who can publish to Redis says in the nodes' name.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct ForgedMessageTests {
    private static let channel = "transactionUpdate:u_42"

    private static func event(_ number: Int) -> String {
        #"{"type":"transactionUpdate","key":"u_42","id":"true-\#(number)","#
            + #""data":{"type":"p2p","amount":"1","status":"completed"}}"#
    }

    private static func integer(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> ((bytes - 1 - $0) * 8)) }
    }

    private static func text(_ text: String) -> [UInt8] {
        Self.integer(text.utf8.count, 4) + Array(text.utf8)
    }

    /// A message as a node would send it, of one event, with bytes of ASCII only; without a seal, or with one of its own
    /// making.
    private static func forged(version: UInt8, seq: Int, data: String) throws -> String {
        var bytes = Array("btc".utf8) + [version]
        if version > 2 { bytes.append(1) }
        bytes += Array(repeating: 7, count: 16)
        if version > 2 { bytes += Self.integer(0x18_6D_3C_7E_1A_2B_3C_4D, 8) + Self.integer(seq, 8) }
        bytes += Self.text(Self.channel) + Self.integer(seq, 8) + Self.integer(1, 4)
        bytes += Self.integer(0x18_6D_3C_7E_1A_2B_3C_4D, 8) + Self.text("forged") + Self.text("") + Self.text("")
        bytes += Self.text(data)
        if version > 2 { bytes += Array(repeating: 9, count: 32) }
        return try #require(String(validating: bytes, as: UTF8.self))
    }

    @Test func forgedMessagesAreToldToNobodyAndHideNothing() async throws {
        try await Cluster.with { cluster in
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            let publisher = try await there.token("payments", "publish:*")
            let token = try await here.token("u_42")
            let follower = RecordingSubscriber([Self.channel], token: token)
            let late = RecordingSubscriber([Self.channel], token: token)
            func publish(_ number: Int) async throws {
                let record = try await there.run("publish", token: publisher, input: Self.event(number))
                #expect(record.status == 0, "\(record)")
            }
            try await withThrowingTaskGroup(of: Void.self) { following in
                let address = try here.address()
                following.addTask { try await follower.run(to: address) }
                try await publish(1)
                try await follower.wait(for: [Self.channel: 1])
                let names = try cluster.redis.command("PUBSUB", "CHANNELS", "broadtape:commits:*")
                let bus = try #require(names.split(separator: "\n").first.map(String.init))
                var count = 0
                for version in [2, 3] as [UInt8] {
                    for (seq, data) in [
                        (2, #"{"type":"p2p","amount":"666","status":"completed"}"#), (3, "{}"), (1_000_000, "{}"),
                        (4, "{\n\nevent: goodbye\ndata: {}\n\n}"), (5, "{no JSON}"),
                    ] {
                        let message = try Self.forged(version: version, seq: seq, data: data)
                        #expect(try cluster.redis.publish(message, to: bus) == Cluster.size)
                        count += 1
                    }
                }
                let total = count
                try await eventually("all of them were refused") {
                    try await here.metric("broadtape_bus_refused_total") ?? 0 >= total
                }
                for number in 2...4 { try await publish(number) }
                try await follower.wait(for: [Self.channel: 4])
                following.addTask { try await late.run(to: address) }
                try await late.wait(for: [Self.channel: 4])
                following.cancelAll()
            }
            for follower in [follower, late] {
                #expect(follower.log.value.faults.isEmpty, "\(follower.log.value)")
                #expect(
                    follower.log.value.entries[Self.channel]?.map(\.id) == (1...4).map { "true-\($0)" },
                    "\(follower.log.value)"
                )
            }
        }
    }

    /// Nodes of which one has another secret find each other's commits in the database.
    @Test func aNodeWithAnotherSecretIsBehindForAMomentOnly() async throws {
        try await Cluster.with(environment: ["BROADTAPE_HEARTBEAT": "60s", "BROADTAPE_SILENCE": "180s"]) { cluster in
            try await cluster.nodes[1].program.kill()
            try await cluster.start(1, environment: ["BROADTAPE_BUS_SECRET": "the secret of a node that is alone"])
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            let publisher = try await there.token("payments", "publish:*")
            let follower = RecordingSubscriber([Self.channel], token: try await here.token("u_42"))
            try await withThrowingTaskGroup(of: Void.self) { following in
                let address = try here.address()
                following.addTask { try await follower.run(to: address) }
                try await follower.log.wait(for: "a connection") { $0.connections > 0 }
                for number in 1...3 {
                    let record = try await there.run("publish", token: publisher, input: Self.event(number))
                    #expect(record.status == 0, "\(record)")
                    // Long before the heartbeat.
                    try await follower.wait(for: [Self.channel: number])
                }
                following.cancelAll()
            }
            #expect(follower.log.value.faults.isEmpty, "\(follower.log.value)")
            #expect(try await here.metric("broadtape_bus_refused_total") ?? 0 > 0)
            #expect(here.program.record.value.errors.contains("bus-secret"))
        }
    }
}
