// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import GRDB
import Logging
import TestSupport
import Testing

@testable import SQLiteStore

@Suite struct SQLiteOpeningTests {
    /// What opening ends in.
    private func fault(opening path: String, allowMigration: Bool = false) async -> TapeFault? {
        await faultOf { try await SQLiteTape(path: path, allowMigration: allowMigration).close() }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func makesFolderAndPrivateFile() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/deep/er/tape.db"
            let tape = try await SQLiteTape(path: path)
            _ = try await tape.append([[.sample("1", on: "a")]])
            #expect(try self.mode(path) == 0o600)
            #expect(try self.mode(path + "-wal") == 0o600)
            #expect(try self.mode(path + ".lock") == 0o600)
            #expect(try self.mode(folder + "/deep/er") == 0o700)
            await tape.close()
            // All of it is in one file again.
            #expect((try? self.size(path + "-wal")) ?? 0 == 0)
        }
    }

    private func size(_ path: String) throws -> Int {
        try Data(contentsOf: URL(fileURLWithPath: path)).count
    }

    @Test func folderThatCannotBeMadeIsUnavailable() async throws {
        try await withTemporaryFolder { folder in
            try Data().write(to: URL(fileURLWithPath: folder + "/file"))
            #expect(await self.fault(opening: folder + "/file/tape").isUnavailable(saying: folder + "/file"))
        }
    }

    @Test func commitsAreSynced() async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape")
            let (journal, synchronous) = try await tape.pool.writeWithoutTransaction { db in
                (try String.fetchOne(db, sql: "PRAGMA journal_mode"), try Int.fetchOne(db, sql: "PRAGMA synchronous"))
            }
            #expect(journal == "wal")
            #expect(synchronous == 2)
            await tape.close()
        }
    }

    @Test func secondHubIsRefusedUntilFirstCloses() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            let tape = try await SQLiteTape(path: path)
            try FileManager.default.createSymbolicLink(atPath: folder + "/other", withDestinationPath: path)
            for name in [path, folder + "/other"] {
                let fault = await self.fault(opening: name)
                #expect(fault.isUnavailable(saying: path + " is in use by another hub (process \(getpid()))"))
            }
            // The refused ones must not have disturbed the locks of the first.
            _ = try await tape.append([[.sample("1", on: "a")]])
            await tape.close()
            #expect(await self.fault(opening: path) == nil)
        }
    }

    @Test func refusedOpeningLetsGoOfTheLock() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            try Data("not a database, but long enough to be read as one".utf8).write(to: URL(fileURLWithPath: path))
            for _ in 1...2 {
                #expect((await self.fault(opening: path)).isDamaged(saying: path, "not an SQLite database"))
            }
        }
    }

    @Test func otherFilesAreRefusedUnchanged() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/notes"
            let other = try DatabaseQueue(path: path)
            try await other.write { db in try db.execute(sql: "CREATE TABLE note (text); INSERT INTO note VALUES ('x')")
            }
            try other.close()
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect((await self.fault(opening: path)).isDamaged(saying: path, "another program"))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)

            let marked = try DatabaseQueue(path: folder + "/marked")
            try await marked.write { db in try db.execute(sql: "PRAGMA application_id = 7") }
            try marked.close()
            #expect((await self.fault(opening: folder + "/marked")).isDamaged(saying: "another program", "7"))
        }
    }

    @Test func newerSchemaIsRefused() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            #expect(await self.fault(opening: path) == nil)
            let queue = try DatabaseQueue(path: path)
            try await queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA user_version = 99") }
            try queue.close()
            #expect((await self.fault(opening: path)).isDamaged(saying: path, "99", "newer"))
            #expect(await self.fault(opening: path, allowMigration: true).isDamaged(saying: "newer"))
        }
    }

    /// A schema that has one step more than the present one.
    private var next: Schema {
        let version = Schema.current.version + 1
        return Schema(
            migrations: Schema.current.migrations + [
                Schema.Migration(version: version, name: "next") { db, _ in
                    try db.execute(sql: "CREATE TABLE extra (id)")
                }
            ]
        )
    }

    private func open(_ path: String, _ schema: Schema, allowMigration: Bool) async throws(TapeFault) -> SQLiteTape {
        let opening = Opening(
            path: path,
            schema: schema,
            allowMigration: allowMigration,
            busyTimeout: .seconds(1),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        return try await SQLiteTape(opening: opening, clock: { Timestamp.now })
    }

    @Test func olderSchemaIsMigratedOnlyWhenAllowed() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            let first = try await SQLiteTape(path: path)
            _ = try await first.append([[.sample("1", on: "a")]])
            await first.close()

            let refused = await faultOf {
                try await self.open(path, self.next, allowMigration: false).close()
            }
            #expect(refused.isDamaged(saying: path, "older", "--migrate"))
            #expect(await self.fault(opening: path) == nil)

            let migrated = try await self.open(path, self.next, allowMigration: true)
            #expect(migrated.epoch == first.epoch)
            #expect(try await migrated.append([[.sample("2", on: "a")]]).count == 1)
            #expect(try await migrated.extents(of: [ChannelName(type: "note", key: "a")]).values.map(\.head) == [2])
            await migrated.close()
            #expect((await self.fault(opening: path)).isDamaged(saying: "newer"))
            await (try await self.open(path, self.next, allowMigration: false)).close()
        }
    }

    @Test func failedMigrationChangesNothing() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            #expect(await self.fault(opening: path) == nil)
            let broken = Schema(
                migrations: self.next.migrations + [
                    Schema.Migration(version: Schema.current.version + 2, name: "broken") { db, _ in
                        try db.execute(sql: "CREATE nonsense")
                    }
                ]
            )
            let fault = await faultOf { try await self.open(path, broken, allowMigration: true).close() }
            #expect(fault.isDamaged(saying: path))
            #expect(await self.fault(opening: path) == nil)
        }
    }

    /// What `kill -9` leaves: the file and its WAL as they were, and no lock.
    @Test func whatWasCommittedIsInTheFiles() async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape")
            for index in 1...20 {
                _ = try await tape.append([[.sample("\(index)", on: "a")]])
            }
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: folder + "/tape" + suffix, toPath: folder + "/copy" + suffix)
            }
            let copy = try await SQLiteTape(path: folder + "/copy")
            let name = ChannelName(type: "note", key: "a")
            #expect(copy.epoch == tape.epoch)
            #expect(try await copy.latest(of: [name]) == (try await tape.latest(of: [name])))
            #expect(try await copy.extents(of: [name]).values.map(\.head) == [20])
            await copy.close()
            await tape.close()
        }
    }
}
