// SPDX-License-Identifier: Apache-2.0

import Client
import Foundation
import HubTestSupport
import JSON
import ProgramSupport
import Testing

/// `kill -9` while publishers publish and subscribers follow: what was acknowledged is there, and everyone gets all of
/// it once and in order.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct KillTests {
    private static let users = ["u_1", "u_2", "u_3"]
    private static let publicChannels = ["rateChange:A/B", "rateChange:C/D", "chainEvent:0xc"]
    private static let publishers = 3
    private static let requests = 60
    private static let kills = 2
    private static let retries = Retries(
        patience: .seconds(60),
        backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(200))
    )

    /// What one publisher sends: requests of a few events each.
    private static func requests(of publisher: Int, using random: inout SplitMix) throws -> [[Publication]] {
        try (1...Self.requests).map { request in
            try (1...Int.random(in: 1...5, using: &random)).map { number in
                let id = "p\(publisher)-\(request)-\(number)"
                let users = Array(Self.users.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
                return switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    try Publication(
                        type: "transactionUpdate",
                        keys: users,
                        id: id,
                        data: Array(#"{"type":"p2p","amount":"1.50","status":"new"}"#.utf8)
                    )
                case 1:
                    try Publication(
                        type: "balanceUpdate",
                        id: id,
                        data: Array(#"{"userId":"\#(users[0])","balance":"\#(request).\#(number)"}"#.utf8)
                    )
                case 2:
                    try Publication(
                        type: "rateChange",
                        keys: [Bool.random(using: &random) ? "A/B" : "C/D"],
                        id: id,
                        data: Array(#"{"rate":"\#(request).\#(number)"}"#.utf8)
                    )
                default:
                    try Publication(type: "chainEvent", keys: ["0xc"], id: id, data: Array(Self.chainEvent.utf8))
                }
            }
        }
    }

    private static let chainEvent =
        #"{"chain":"c","event":"Transfer","blockNumber":1,"blockHash":"0x1","transactionHash":"0x2","logIndex":0,"level":"seen"}"#

    /// What the hub has promised: receipts in the order in which they came.
    private typealias Promises = Watched<[Receipt]>

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func whatWasAcknowledgedSurvives(_ seed: UInt64) async throws {
        try await withFolder { folder in
            var random = SplitMix(seed: seed)
            var hub = try await RunningHub.start(in: folder)
            let address = try hub.address()
            let publisherToken = try await hub.token("svc", "publish:*")
            let auditorToken = try await hub.token("auditor", "read:*")
            var followers = [Follower(Self.publicChannels, token: nil), Follower(Self.publicChannels, token: nil)]
            for user in Self.users {
                let own = ["balanceUpdate:\(user)", "transactionUpdate:\(user)"]
                followers.append(Follower(own, token: try await hub.token(user)))
                followers.append(Follower(own + ["rateChange:A/B"], token: try await hub.token(user)))
            }
            var plans: [[[Publication]]] = []
            for publisher in 1...Self.publishers { plans.append(try Self.requests(of: publisher, using: &random)) }
            let promises = Promises([])
            let publisher = Publisher(to: address, token: { publisherToken }, retries: Self.retries)

            try await withThrowingTaskGroup(of: Void.self) { following in
                for follower in followers {
                    following.addTask { try await follower.run(to: address) }
                }
                for follower in followers {
                    try await follower.log.wait(for: "a connection") { $0.connections > 0 }
                }
                try await withThrowingTaskGroup(of: Void.self) { publishing in
                    for plan in plans {
                        publishing.addTask {
                            for request in plan {
                                let receipts = try await publisher.publish(request)
                                promises.change { $0 += receipts }
                            }
                        }
                    }
                    var threshold = 0
                    for _ in 1...Self.kills {
                        threshold += Int.random(in: 10...120, using: &random)
                        try await promises.wait(for: "\(threshold) receipts") { [threshold] in $0.count >= threshold }
                        try await hub.program.kill()
                        hub = try await RunningHub.start(in: folder, port: hub.port)
                    }
                    try await publishing.waitForAll()
                }
                try await Self.check(promises.value, plans, on: hub, auditorToken, followers)
                try await Self.expectDuplicates(plans, of: promises.value, by: publisher)
                following.cancelAll()
                try await following.waitForAll()
            }
            try await hub.program.kill()
        }
    }

    /// Compares what was promised with what the hub has and what the followers got.
    private static func check(
        _ receipts: [Receipt],
        _ plans: [[[Publication]]],
        on hub: RunningHub,
        _ token: String,
        _ followers: [Follower]
    ) async throws {
        #expect(Set(receipts.map(\.id)) == Set(plans.joined().joined().map(\.id)))
        var promised: [String: [Int: String]] = [:]
        for receipt in receipts {
            #expect(!receipt.positions.isEmpty)
            for position in receipt.positions {
                let other = promised[position.channel, default: [:]].updateValue(receipt.id, forKey: position.seq)
                #expect(other == nil, "\(position) was promised to \(receipt.id) and \(other ?? "")")
            }
        }
        #expect(Set(receipts.flatMap(\.positions).map(\.epoch)).count == 1)
        for (channel, ids) in promised {
            let stored = try await hub.events(of: channel, token: token)
            #expect(stored.map { $0["seq"]?.integer } == Array(1...ids.count), "\(channel) has gaps")
            #expect(stored.map { $0["id"]?.string } == (1...ids.count).map { ids[$0] }, "\(channel)")
        }
        for follower in followers {
            try await follower.wait(for: promised.mapValues(\.count))
            let log = follower.log.value
            #expect(log.faults.isEmpty, "\(log)")
            // One that was away at the second kill has missed only that.
            #expect((2...Self.kills + 1).contains(log.connections), "\(log)")
            for channel in follower.channels {
                for entry in log.entries[channel, default: []] {
                    #expect(promised[channel]?[entry.seq] == entry.id)
                }
                #expect(log.heads[channel] == promised[channel]?.count)
            }
        }
    }

    /// Everything once more: nothing is new, and the positions are the first ones.
    private static func expectDuplicates(
        _ plans: [[[Publication]]],
        of receipts: [Receipt],
        by publisher: Publisher
    ) async throws {
        let first = Dictionary(receipts.map { ($0.id, $0.positions) }) { first, _ in first }
        for request in plans.joined() {
            for receipt in try await publisher.publish(request) {
                #expect(receipt.status == .duplicate)
                #expect(receipt.positions == first[receipt.id])
            }
        }
    }
}
