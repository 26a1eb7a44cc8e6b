// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@testable import PostgresStore

/// A database whose content another program exchanges under a hub that has it open.
@Suite(.system) struct PostgresIdentitySystemTests {
    private let channel = ChannelName(type: "note", key: "a")

    /// A tape with events 1 to 3, which this node knows so well that it appends without a look.
    private func withTape(_ body: (PostgresTape, _ url: String, PostgresServer) async throws -> Void) async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema()
        let tape = try await PostgresWorld.open(url)
        for id in 1...3 { _ = try await tape.append([[.sample("\(id)", on: "a")]]) }
        #expect(await faultOf { try await tape.probe() } == nil)
        try await body(tape, url, server)
        await tape.close()
    }

    private func append(_ id: String, to tape: PostgresTape) async -> TapeFault? {
        await faultOf { _ = try await tape.append([[.sample(id, on: "a")], [.sample(id + "b", on: "b")]]) }
    }

    @Test func anotherEpochTakesNothingUntilItIsTheFormerAgain() async throws {
        try await self.withTape { tape, url, server in
            _ = try await server.execute("UPDATE tape SET value = 'other' WHERE name = 'epoch'", at: url)
            for _ in 1...2 {
                #expect(await self.append("4", to: tape).isDamaged(saying: tape.epoch, "is other"))
                #expect(await faultOf { try await tape.probe() }.isDamaged(saying: tape.epoch, "is other"))
            }
            #expect(try await server.execute("SELECT max(head) FROM channels", at: url) == "3")
            _ = try await server.execute("UPDATE tape SET value = '\(tape.epoch)' WHERE name = 'epoch'", at: url)
            #expect(await faultOf { try await tape.probe() } == nil)
            #expect(try await tape.append([[.sample("4", on: "a")]]).map(\.seqs) == [[[4]]])
        }
    }

    /// The ids of the new one's channels are those of the former.
    @Test func databaseThatIsMadeAnewTakesNothingOfTheFormer() async throws {
        try await self.withTape { tape, url, server in
            let schema = try await server.execute("SELECT current_schema()", at: url)
            _ = try await server.execute("DROP SCHEMA \(schema) CASCADE; CREATE SCHEMA \(schema)", at: url)
            #expect(await faultOf { try await tape.probe() }.isDamaged())
            #expect(await self.append("4", to: tape) != nil)
            let other = try await PostgresWorld.open(url)
            for id in 1...3 { _ = try await other.append([[.sample("\(id)", on: "z")]]) }
            for _ in 1...2 {
                #expect(await faultOf { try await tape.probe() }.isDamaged(saying: tape.epoch, other.epoch))
                #expect(await self.append("4", to: tape).isDamaged(saying: tape.epoch, other.epoch))
            }
            #expect(try await server.execute("SELECT sum(head) FROM channels", at: url) == "3")
            await other.close()
        }
    }

    @Test(arguments: [
        "TRUNCATE channels, chapters, newest, receipts, events", "DELETE FROM channels WHERE name = 'note:a'",
        "UPDATE channels SET head = 1 WHERE name = 'note:a'",
    ])
    func numbersAreNotGivenOutAgain(_ sql: String) async throws {
        try await self.withTape { tape, url, server in
            _ = try await server.execute(sql, at: url)
            for _ in 1...3 { #expect(await self.append("4", to: tape).isDamaged(saying: "Restore")) }
            #expect(try await server.execute("SELECT count(*) FROM channels WHERE head > 1", at: url) == "0")
        }
    }
}
