// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import GRDB
import TestSupport
import Testing

@testable import SQLiteStore

/// What other programs do to the files of a tape that is open.
@Suite(.system) struct SQLiteFilesSystemTests {
    private let channel = ChannelName(type: "note", key: "a")

    /// A tape with events 1 to 3, in its write-ahead log.
    private func withTape(_ body: (SQLiteTape, _ path: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/var", withIntermediateDirectories: false)
            let tape = try await SQLiteTape(path: folder + "/var/tape", busyTimeout: .zero)
            for id in 1...3 { _ = try await tape.append([[.sample("\(id)", on: "a")]]) }
            try await body(tape, folder + "/var/tape")
            await tape.close()
        }
    }

    private func appendFault(_ tape: SQLiteTape) async -> TapeFault? {
        await faultOf { _ = try await tape.append([[.sample("new", on: "a")]]) }
    }

    private func head(_ tape: SQLiteTape) async throws -> Int? {
        try await tape.extents(of: [self.channel])[self.channel]?.head
    }

    /// As a hub does once a second: the first that fails tells, the next saves.
    private func probe(_ tape: SQLiteTape) async -> TapeFault? {
        _ = await faultOf { try await tape.probe() }
        return await faultOf { try await tape.probe() }
    }

    // MARK: Names

    @Test(arguments: ["rm tape", "rm tape tape-wal tape-shm tape.lock", "sqlite3 tape '.backup x' && mv x tape"])
    func deletedFileTakesNothingMoreAndWhatItHeldIsSaved(_ command: String) async throws {
        try await self.withTape { tape, path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            try shell("cd \(folder) && \(command)")
            let fault = await self.appendFault(tape)
            #expect(fault.isDamaged(saying: path, "was deleted", "restarted"))
            #expect(try await self.head(tape) == 3)
            #expect(await self.probe(tape) == fault)
            #expect(await faultOf { try await tape.probe() }.isDamaged(saying: "saved to \(path).saved-"))
            let saved = try #require(
                try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasPrefix("tape.saved-") }
            )
            #expect(
                try FileManager.default.attributesOfItem(atPath: "\(folder)/\(saved)")[.posixPermissions] as? Int
                    == 0o600
            )
            await tape.close()

            if command.hasPrefix("rm") {
                let refused = await faultOf { try await SQLiteTape(path: path).close() }
                #expect(refused.isUnavailable(saying: "no \(path)", "\(folder)/\(saved)"))
            }
            try shell("mv \(folder)/\(saved) \(path)")
            let next = try await SQLiteTape(path: path)
            #expect(next.epoch == tape.epoch)
            #expect(try await self.head(next) == 3)
            #expect(try await next.append([[.sample("3", on: "a")]]).map(\.seqs) == [[[3]]])
            await next.close()
        }
    }

    @Test func fileInPlaceOfAnotherBeginsANewEpochWhereEventsAreMissing() async throws {
        try await self.withTape { tape, path in
            try shell("sqlite3 \(path) '.backup \(path).old'")
            _ = try await tape.append([[.sample("4", on: "a")]])
            try shell("mv \(path).old \(path)")
            #expect(await self.appendFault(tape).isDamaged(saying: path))
            _ = await self.probe(tape)
            await tape.close()
            let next = try await SQLiteTape(path: path)
            #expect(next.epoch != tape.epoch)
            #expect(try await self.head(next) == 3)
            #expect(try await next.append([[.sample("4b", on: "a")]]).map(\.seqs) == [[[4]]])
            await next.close()
            let again = try await SQLiteTape(path: path)
            #expect(again.epoch == next.epoch)
            await again.close()
        }
    }

    @Test(arguments: [("mv tape x", "mv x tape"), ("mv ../var ../x", "mv ../x ../var"), ("chmod 0 .", "chmod 700 .")])
    func movedFileTakesNothingUntilItIsBack(_ away: String, _ back: String) async throws {
        guard geteuid() != 0 || !away.hasPrefix("chmod") else { return }
        try await self.withTape { tape, path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            try shell("cd \(folder) && \(away)")
            let fault = await self.appendFault(tape)
            #expect(fault.isUnavailable(saying: path, "recovers by itself"))
            #expect(await self.probe(tape) == fault)
            #expect(try await self.head(tape) == 3)
            try shell(away.hasPrefix("mv ../") ? "cd \(folder)/../x && \(back)" : "cd \(folder) && \(back)")
            #expect(await faultOf { try await tape.probe() } == nil)
            #expect(try await tape.append([[.sample("new", on: "a")]]).map(\.seqs) == [[[4]]])
        }
    }

    @Test func readersDoNotReadAnotherFile() async throws {
        try await self.withTape { tape, path in
            try shell(
                "sqlite3 \(path) '.backup \(path).old' && sqlite3 \(path).old 'DELETE FROM positions' && mv \(path).old \(path)"
            )
            // All readers at once, more than are open.
            let heads = await withTaskGroup(of: Int?.self) { group in
                for _ in 1...20 { group.addTask { try? await self.head(tape) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(heads == Array(repeating: 3, count: 20))
        }
    }

    @Test(arguments: ["-wal", "-shm"])
    func deletedLogTakesNothingMoreAndNothingIsLost(_ suffix: String) async throws {
        try await self.withTape { tape, path in
            try shell("rm \(path)\(suffix)")
            #expect(await self.appendFault(tape).isDamaged(saying: path + suffix, "restart"))
            #expect(await self.probe(tape).isDamaged(saying: path + suffix))
            await tape.close()
            let next = try await SQLiteTape(path: path)
            #expect(next.epoch == tape.epoch)
            #expect(try await self.head(next) == 3)
            await next.close()
        }
    }

    // MARK: Content

    @Test(arguments: [
        "cat old > tape", "truncate -s 4096 tape", "dd if=/dev/zero of=tape bs=4096 count=3 conv=notrunc",
    ])
    func overwrittenFileTakesNothingMore(_ command: String) async throws {
        try await self.withTape { tape, path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            try shell("cd \(folder) && sqlite3 tape '.backup old'")
            _ = try await tape.append([[.sample("4", on: "a")]])
            try shell("cd \(folder) && \(command) 2> /dev/null")
            let fault = await self.appendFault(tape)
            #expect(fault.isDamaged(saying: path, "another program", "\(path)-wal"))
            #expect(await self.probe(tape) == fault)
            await tape.close()
            // The write-ahead log is not written over what is there now.
            #expect(try shell("cmp -s \(path) \(folder)/old") == (command.hasPrefix("cat") ? 0 : 1))
            guard command.hasPrefix("cat") else {
                try shell("rm \(path)-wal \(path)-shm")
                #expect(await faultOf { try await SQLiteTape(path: path).close() }.isDamaged(saying: path))
                return
            }
            try shell("rm -f \(path)-wal \(path)-shm")
            let next = try await SQLiteTape(path: path)
            #expect(next.epoch != tape.epoch)
            #expect(try await self.head(next) == 3)
            await next.close()
        }
    }

    /// Checkpoints of the write-ahead log and concurrent readers cause no alarm.
    @Test func checkpointsAndBackupsAreNoAlarm() async throws {
        try await self.withTape { tape, path in
            try await tape.pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_autocheckpoint = 10") }
            for id in 4...60 {
                _ = try await tape.append([[.sample("\(id)", on: "a", data: String(repeating: "x", count: 3000))]])
                switch id % 20 {
                case 5: #expect(try shell("sqlite3 \(path) 'PRAGMA wal_checkpoint(TRUNCATE)' > /dev/null") == 0)
                case 10: #expect(try shell("sqlite3 \(path) '.backup \(path).copy'") == 0)
                case 15: #expect(try shell("sqlite3 \(path) 'SELECT count(*) FROM events' > /dev/null") == 0)
                default: break
                }
            }
            #expect(await faultOf { try await tape.probe() } == nil)
            #expect(try await self.head(tape) == 60)
        }
    }

    @Test func contentThatAnotherProgramExchangesTakesNothingMore() async throws {
        for sql in ["UPDATE tape SET value = 'other' WHERE name = 'epoch'", "DELETE FROM events WHERE id = 3"] {
            try await self.withTape { tape, path in
                try shell("sqlite3 \(path) \"\(sql)\"")
                let fault = await self.appendFault(tape)
                #expect(fault.isDamaged(saying: path, "another program"))
                #expect(await self.probe(tape) == fault)
            }
        }
    }

    /// What is remembered of the file is worthless then.
    @Test func anotherProgramsCommitIsSeen() async throws {
        try await self.withTape { tape, path in
            try shell(
                "sqlite3 \(path) \"INSERT INTO types (name) VALUES ('order'); INSERT INTO channels (name, slotted) VALUES ('order:a', 0)\""
            )
            var event = Event.sample("o", on: "a")
            event.type = "order"
            #expect(try await tape.append([[event], [.sample("4", on: "a")]]).map(\.seqs) == [[[1]], [[4]]])
        }
    }

    // MARK: Damage

    /// A tape of many pages, closed; its file is changed by a command.
    private func withDamage(_ command: String, _ body: (_ path: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            let tape = try await SQLiteTape(path: path)
            for batch in 0..<20 {
                _ = try await tape.append([
                    (0..<50).map { .sample("\(batch)-\($0)", on: "a", data: String(repeating: "x", count: 500)) }
                ])
            }
            await tape.close()
            #expect(try shell("cd \(folder) && \(command)") == 0)
            try await body(path)
        }
    }

    private static let middle = "dd if=/dev/urandom of=tape bs=4096 seek=60 count=3 conv=notrunc 2> /dev/null"

    @Test(arguments: [
        Self.middle, "dd if=/dev/urandom of=tape bs=4096 seek=0 count=1 conv=notrunc 2> /dev/null",
        "truncate -s 200000 tape", "dd if=/dev/zero of=tape bs=4096 seek=1 count=20 conv=notrunc 2> /dev/null",
    ])
    func damagedFileIsNotOpened(_ command: String) async throws {
        try await self.withDamage(command) { path in
            let fault = await faultOf { try await SQLiteTape(path: path).close() }
            #expect(fault.isDamaged(saying: path), "\(String(describing: fault))")
            #expect((try? await SQLiteTape.damage(path: path))?.isEmpty != true)
        }
    }

    @Test func damageThatIsReadEndsCommitting() async throws {
        try await self.withDamage(Self.middle) { path in
            let tape = try await SQLiteTape(path: path, examines: false)
            #expect(try await tape.damage().contains { $0.contains("table events") })
            _ = try await tape.append([[.sample("before", on: "b")]])
            #expect(await faultOf { try await tape.probe() } == nil)
            let limit = PageLimit(entries: 1000, bytes: .max)
            let read = await faultOf { _ = try await tape.page(of: self.channel, after: 0, limit: limit) }
            #expect(read.isDamaged(saying: path, "verify"))
            #expect(await self.appendFault(tape) == read)
            #expect(await self.probe(tape) == read)
            await tape.close()
            // The next one examines all of it, however large.
            #expect(try String(contentsOfFile: path + ".lock", encoding: .utf8).contains("doubt "))
            #expect(
                await faultOf { try await SQLiteTape(path: path).close() }.isDamaged(saying: path, "the hub before")
            )
        }
    }
}
