// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import TestSupport
import Testing

@testable import PostgresStore

@Suite(.system) struct PostgresOpeningSystemTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func open(
        _ url: String,
        _ schema: PostgresSchema = .current,
        allowMigration: Bool = false
    ) async throws(TapeFault) -> PostgresTape {
        try await PostgresTape(
            url: url,
            schema: schema,
            allowMigration: allowMigration,
            settings: .test(),
            logger: Self.quiet,
            clock: nil
        )
    }

    private func fault(
        _ url: String,
        _ schema: PostgresSchema = .current,
        allowMigration: Bool = false
    ) async -> TapeFault? {
        await faultOf { await (try await self.open(url, schema, allowMigration: allowMigration)).close() }
    }

    /// A schema that has one step more than the present one.
    private static let next = PostgresSchema(
        migrations: PostgresSchema.current.migrations + [
            PostgresSchema.Migration(
                version: PostgresSchema.current.version + 1,
                name: "extra",
                statements: ["CREATE TABLE extra (id integer)"]
            )
        ]
    )

    @Test func olderSchemaIsMigratedOnlyWhenAllowed() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let first = try await self.open(url)
        _ = try await first.append([[.sample("1", on: "a")]])
        await first.close()
        #expect(await self.fault(url, Self.next).isDamaged(saying: "older", "--migrate"))
        #expect(await self.fault(url) == nil)
        let migrated = try await self.open(url, Self.next, allowMigration: true)
        #expect(migrated.epoch == first.epoch)
        #expect(try await migrated.append([[.sample("2", on: "a")]]).map(\.seqs) == [[[2]]])
        await migrated.close()
        #expect(await self.fault(url).isDamaged(saying: "newer"))
        #expect(await self.fault(url, allowMigration: true).isDamaged(saying: "newer"))
        #expect(await self.fault(url, Self.next) == nil)
    }

    @Test func failedMigrationChangesNothing() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        #expect(await self.fault(url) == nil)
        let broken = PostgresSchema(
            migrations: Self.next.migrations + [
                PostgresSchema.Migration(version: Self.next.version + 1, name: "no", statements: ["CREATE nonsense"])
            ]
        )
        #expect(await self.fault(url, broken, allowMigration: true).isDamaged(saying: "nonsense"))
        #expect(await self.fault(url) == nil)
    }

    @Test func stepsAreToldAndApplied() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let count = PostgresSchema.current.version
        let before = try await PostgresMigrations.status(url: url)
        #expect(before.found == 0)
        #expect(before.steps.map(\.isApplied) == Array(repeating: false, count: count))
        #expect(try await PostgresMigrations.up(url: url).found == count)
        let after = try await PostgresMigrations.up(url: url, schema: Self.next, logger: Self.quiet)
        #expect(after.steps.map(\.isApplied) == Array(repeating: true, count: count + 1))
        #expect(after.steps.last?.name == "extra")
        #expect(await faultOf { _ = try await PostgresMigrations.up(url: url) }.isDamaged(saying: "newer"))
    }

    @Test func tablesOfOtherProgramsAreLeftAlone() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema()
        try await server.execute("CREATE TABLE invoices (id integer)", at: url)
        #expect(await self.fault(url) == nil)
        let taken = try await server.makeSchema()
        try await server.execute("CREATE TABLE events (id integer)", at: taken)
        #expect(await self.fault(taken).isDamaged(saying: "another program", "events", "search_path"))
        #expect(try await server.execute("SELECT count(*) FROM events", at: taken) == "0")
    }

    @Test func commitsAreSynchronous() async throws {
        let url = try await PostgresServer.shared.makeSchema() + "%20-csynchronous_commit%3Doff"
        let tape = try await self.open(url)
        let setting = try await tape.appending.perform { session throws(PostgresFault) in
            try session.run(PostgresCommand(PostgresStatement(nil, "SHOW synchronous_commit"))).text(0, 0)
        }
        #expect(setting == "on")
        await tape.close()
    }

    @Test(arguments: [
        "mysql://127.0.0.1/x", "postgres://user:secret@127.0.0.1:port/x",
        "postgres://user:secret@127.0.0.1/x?nonsense=1",
    ])
    func malformedAddressesAreRefused(_ url: String) async {
        let fault = await self.fault(url)
        #expect(fault.isUnavailable())
        #expect(!"\(String(describing: fault))".contains("secret"))
    }

    @Test func passwordIsNeverTold() async throws {
        let port = try await PostgresServer.shared.port
        let address = try PostgresAddress(url: "postgres://user:secret@127.0.0.1:\(port)/nowhere")
        #expect("\(address)" == "postgres://127.0.0.1:\(port)/nowhere")
        let fault = await self.fault("postgres://user:secret@127.0.0.1:\(port)/nowhere")
        #expect(fault.isUnavailable(saying: "nowhere"))
        #expect(!"\(String(describing: fault))".contains("secret"))
    }
}
