// SPDX-License-Identifier: Apache-2.0

package import BroadtapeClient
import JSON
import Testing

/// Publishers and followers at work, and the record of what was promised to each.
package struct Traffic: Sendable {
    /// What the hub has promised: receipts in the order in which they came.
    package typealias Promises = Watched<[Receipt]>

    package static let users = ["u_1", "u_2", "u_3"]
    package static let publicChannels = ["rateChange:A/B", "rateChange:C/D", "chainEvent:0xc"]

    private static let chainEvent =
        #"{"chain":"c","event":"Transfer","blockNumber":1,"blockHash":"0x1","transactionHash":"0x2","logIndex":0,"level":"seen"}"#

    /// What each publisher sends: requests of a few events each.
    package let plans: [[[Publication]]]
    package let promises = Promises([])

    package init(publishers: Int, requests: Int, using random: inout SplitMix) throws {
        var plans: [[[Publication]]] = []
        for publisher in 1...publishers {
            plans.append(try Self.requests(requests, of: publisher, using: &random))
        }
        self.plans = plans
    }

    private static func requests(
        _ count: Int,
        of publisher: Int,
        using random: inout SplitMix
    ) throws -> [[Publication]] {
        try (1...count).map { request in
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

    /// Publishes one publisher's plan, each request until it is acknowledged.
    package func publish(_ plan: [[Publication]], by publisher: Publisher) async throws {
        for request in plan {
            let receipts = try await publisher.publish(request)
            self.promises.change { $0 += receipts }
        }
    }

    /// Whether these receipts are all there will be.
    package func isDone(_ receipts: [Receipt]) -> Bool {
        receipts.count >= self.plans.joined().joined().count
    }

    /// Followers of everything: of what is public, of each user's own, and of both.
    /// - Parameter token: Gives out a user's token.
    package static func followers(token: (String) async throws -> String) async throws -> [RecordingSubscriber] {
        var followers = [
            RecordingSubscriber(Self.publicChannels, token: nil), RecordingSubscriber(Self.publicChannels, token: nil),
        ]
        for user in Self.users {
            let own = ["balanceUpdate:\(user)", "transactionUpdate:\(user)"]
            followers.append(RecordingSubscriber(own, token: try await token(user)))
            followers.append(RecordingSubscriber(own + ["rateChange:A/B"], token: try await token(user)))
        }
        return followers
    }

    /// Compares what was promised with what the hub has and what the followers got.
    /// - Parameters:
    ///   - token: May read every channel.
    ///   - connections: How often each follower may have connected.
    package func check(
        on hub: RunningHub,
        token: String,
        followers: [RecordingSubscriber],
        connections: ClosedRange<Int>
    ) async throws {
        let receipts = self.promises.value
        #expect(Set(receipts.map(\.id)) == Set(self.plans.joined().joined().map(\.id)))
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
            #expect(stored.map { $0["seq"]?.integer(in: .seq) } == Array(1...ids.count), "\(channel) has gaps")
            #expect(stored.map { $0["id"]?.string } == (1...ids.count).map { ids[$0] }, "\(channel)")
        }
        for follower in followers {
            try await follower.wait(for: promised.mapValues(\.count))
            let log = follower.log.value
            #expect(log.faults.isEmpty, "\(log)")
            #expect(connections.contains(log.connections), "\(log)")
            for channel in follower.channels {
                for entry in log.entries[channel, default: []] {
                    #expect(promised[channel]?[entry.seq] == entry.id)
                }
                #expect(log.heads[channel] == promised[channel]?.count)
            }
        }
    }

    /// Everything once more: nothing is new, and the positions are the first ones.
    package func expectDuplicates(by publisher: Publisher) async throws {
        let first = Dictionary(self.promises.value.map { ($0.id, $0.positions) }) { first, _ in first }
        for request in self.plans.joined() {
            for receipt in try await publisher.publish(request) {
                #expect(receipt.status == .duplicate)
                #expect(receipt.positions == first[receipt.id])
            }
        }
    }
}
