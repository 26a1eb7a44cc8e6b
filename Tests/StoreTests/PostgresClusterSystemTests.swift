// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@testable import PostgresStore

/// Several hubs on one database.
@Suite(.system) struct PostgresClusterSystemTests {
    private static let keys = ["a", "b", "c", "d", "e"]

    /// What one hub appends: ids and channels that the others have too, in batches of several requests.
    private static func batches(hub: Int, ids: Int, seed: UInt64) -> [[[Event]]] {
        var random = SplitMix(seed: seed &+ UInt64(hub))
        return (0..<40).map { _ in
            (0..<Int.random(in: 1...4, using: &random)).map { _ in
                (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    let id = Int.random(in: 0..<ids, using: &random)
                    // The same id has the same content on every hub, so that there are duplicates and no conflicts.
                    var own = SplitMix(seed: UInt64(id))
                    let keys = Self.keys.shuffled(using: &own).prefix(Int.random(in: 1...3, using: &own))
                    return Event.sample(
                        "\(id)",
                        keys: Array(keys),
                        slot: id % 3 == 0 ? "s" : "",
                        data: Array("{}".utf8)
                    )
                }
            }
        }
    }

    /// Every channel is numbered without a gap, every event is stored once on each of its channels, and all nodes got
    /// the same results.
    @Test(arguments: [(1, 100), (2, 1000)]) func agreeOnWhatTheyAppendAtOnce(_ seed: UInt64, _ ids: Int) async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tapes = try await PostgresWorld.open(url, count: 3)
        let told = try await withThrowingTaskGroup(of: [String: [[Position]]].self) { group in
            for (hub, tape) in tapes.enumerated() {
                group.addTask {
                    var told: [String: [[Position]]] = [:]
                    for batch in Self.batches(hub: hub, ids: ids, seed: seed) {
                        let outcomes = try await tape.append(batch)
                        for (request, outcome) in zip(batch, outcomes) {
                            guard case .committed(let receipts) = outcome else {
                                Issue.record("\(outcome)")
                                continue
                            }
                            for (event, receipt) in zip(request, receipts) {
                                told[event.id, default: []].append(receipt.positions)
                            }
                        }
                    }
                    return told
                }
            }
            var all: [String: [[Position]]] = [:]
            for try await told in group { all.merge(told) { $0 + $1 } }
            return all
        }
        for (id, positions) in told {
            #expect(Set(positions.map { $0.map { "\($0)" } }).count == 1, "\(id)")
        }
        try await PostgresWorld.check(url, holds: told.mapValues { $0[0] })
        for tape in tapes { await tape.close() }
    }

    /// The same id with other channels meets no lock: the primary key decides, and the loser sees the winner.
    @Test func oneWinsWhenAnIdComesTwiceAtOnce() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tapes = try await PostgresWorld.open(url, count: 4)
        for round in 0..<15 {
            let outcomes = try await withThrowingTaskGroup(of: [AppendOutcome].self) { group in
                for (hub, tape) in tapes.enumerated() {
                    group.addTask {
                        // Each hub begins with another id, so that they would wait for each other in a circle.
                        let ids = (0..<4).map { ($0 + hub) % 4 }
                        return try await tape.append(ids.map { [.sample("\(round)-\($0)", on: "hub\(hub)")] })
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let committed = outcomes.joined().count { $0.seqs != nil }
            #expect(committed == 4, "each of four ids once, the rest conflicts")
        }
        try await PostgresWorld.check(url)
        for tape in tapes { await tape.close() }
    }

    @Test func hubsThatStartTogetherMakeOneTape() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tapes = try await withThrowingTaskGroup(of: PostgresTape.self) { group in
            for _ in 0..<4 { group.addTask { try await PostgresWorld.open(url) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(tapes.map(\.epoch)).count == 1)
        for tape in tapes { await tape.close() }
    }

    /// A hub that is stopped between locking and committing must not hold up the others for ever.
    @Test func locksOfAStoppedHubAreTakenAway() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        var settings = PostgresTape.Settings.test()
        settings.limit = .milliseconds(500)
        let tapes = [try await PostgresWorld.open(url, settings), try await PostgresWorld.open(url, settings)]
        _ = try await tapes[0].append([[.sample("1", on: "a")]])
        // Does what an append does first, and nothing more.
        try await tapes[0].appending.perform { session throws(PostgresFault) in
            try session.run(sql: ["BEGIN", "SELECT * FROM channels FOR NO KEY UPDATE"])
        }
        try await eventually("the other hub to append") {
            await faultOf { _ = try await tapes[1].append([[.sample("2", on: "a")]]) } == nil
        }
        #expect(try await tapes[0].append([[.sample("3", on: "a")]]).map(\.seqs) == [[[3]]])
        for tape in tapes { await tape.close() }
    }
}
