// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import TestSupport
import Testing

@testable import SQLiteStore

/// One hub per file, whatever its name; and what is not opened because something would be lost.
@Suite(.system) struct SQLiteLockSystemTests {
    @Test func fileIsLockedUnderEveryName() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            let tape = try await SQLiteTape(path: path)
            try shell("ln \(path) \(folder)/other && ln -s \(path) \(folder)/link && rm \(path).lock")
            for name in ["tape", "other", "link"] {
                let fault = await faultOf { try await SQLiteTape(path: "\(folder)/\(name)").close() }
                #expect(fault.isUnavailable(saying: "names (hard links)"), "\(String(describing: fault))")
            }
            try shell("rm \(folder)/other")
            let spelling = "\(folder)/../\(URL(fileURLWithPath: folder).lastPathComponent)/./tape"
            for name in [path, folder + "/link", spelling] {
                #expect(await faultOf { try await SQLiteTape(path: name).close() }.isUnavailable(saying: "in use"))
            }
            #expect(throws: TapeFault.self) { try DatabaseLock(path: path) }
            // What SQLite holds in this process is untouched: others see that the file is in use.
            #expect(try shell("sqlite3 \(path) 'PRAGMA journal_mode = DELETE' | grep -q delete") != 0)
            _ = try await tape.append([[.sample("1", on: "a")]])
            await tape.close()
            #expect(await faultOf { try await SQLiteTape(path: path).close() } == nil)
        }
    }

    @Test func otherProcessesAreKeptOutByTheFileItself() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            let tape = try await SQLiteTape(path: path)
            #expect(try shell("flock --nonblock --conflict-exit-code 7 \(path) true") == 7)
            await tape.close()
            #expect(try shell("flock --nonblock \(path) true") == 0)
        }
    }

    @Test func whatIsNoPlainFileIsRefused() async throws {
        try await withTemporaryFolder { folder in
            try shell("mkdir \(folder)/tape; mkfifo \(folder)/pipe")
            for name in ["tape", "pipe"] {
                let fault = await faultOf { try await SQLiteTape(path: "\(folder)/\(name)").close() }
                #expect(fault.isUnavailable(saying: "\(folder)/\(name)", "regular"))
            }
        }
    }

    @Test func absentFileIsNotBegunAnewWhereThereWasOne() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tape"
            let tape = try await SQLiteTape(path: path)
            await tape.close()
            try shell("mv \(path) \(path).away")
            let fault = await faultOf { try await SQLiteTape(path: path).close() }
            #expect(fault.isUnavailable(saying: "no \(path)", tape.epoch, "remove \(path).lock"))
            #expect(!FileManager.default.fileExists(atPath: path))
            try shell("mv \(path).away \(path)")
            let back = try await SQLiteTape(path: path)
            #expect(back.epoch == tape.epoch)
            await back.close()
            try shell("rm \(path)*")
            let new = try await SQLiteTape(path: path)
            #expect(new.epoch != tape.epoch)
            await new.close()
        }
    }

    /// As after `kill -9`: the log has commits that the file lacks.
    private func withAbandoned(_ body: (_ folder: String, _ epoch: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape")
            _ = try await tape.append([[.sample("1", on: "a")]])
            try shell("sqlite3 \(folder)/tape '.backup \(folder)/backup'")
            _ = try await tape.append([[.sample("2", on: "a")]])
            try shell("cd \(folder) && mkdir left && cp tape tape-wal tape.lock left")
            await tape.close()
            // The record of a tape that was opened there.
            var record = TapeRecord(parsing: try String(contentsOfFile: folder + "/left/tape.lock", encoding: .utf8))
            record.database = try FileStatus(path: folder + "/left/tape").identity.description
            record.log = try FileStatus(path: folder + "/left/tape-wal").identity.description
            try "1\n\(record.text)".write(toFile: folder + "/left/tape.lock", atomically: true, encoding: .utf8)
            try await body(folder, tape.epoch)
        }
    }

    @Test(arguments: ["true", "mkdir x && mv tape tape-wal tape.lock x && cp x/* ."])
    func logOfTheFileIsRead(_ command: String) async throws {
        try await self.withAbandoned { folder, epoch in
            try shell("cd \(folder)/left && \(command)")
            let tape = try await SQLiteTape(path: folder + "/left/tape")
            #expect(tape.epoch == epoch)
            #expect(try await tape.append([[.sample("2", on: "a")]]).map(\.seqs) == [[[2]]])
            await tape.close()
        }
    }

    @Test func logOfAnotherFileIsNotRead() async throws {
        try await self.withAbandoned { folder, _ in
            let path = folder + "/left/tape"
            try shell("mv \(folder)/backup \(path)")
            for _ in 1...2 {
                let fault = await faultOf { try await SQLiteTape(path: path).close() }
                #expect(fault.isDamaged(saying: path, "is not the file that \(path)-wal belongs to"))
            }
            try shell("rm \(path)-wal")
            let tape = try await SQLiteTape(path: path)
            #expect(try await tape.append([[.sample("2b", on: "a")]]).map(\.seqs) == [[[2]]])
            await tape.close()
        }
    }

    @Test(arguments: ["rm tape", ": > tape"])
    func logWithoutItsFileIsKept(_ command: String) async throws {
        try await self.withAbandoned { folder, _ in
            try shell("cd \(folder)/left && rm tape.lock && \(command)")
            let fault = await faultOf { try await SQLiteTape(path: folder + "/left/tape").close() }
            #expect(fault.isDamaged(saying: "\(folder)/left/tape-wal has commits"))
            #expect(try FileStatus(path: folder + "/left/tape-wal").size > 0)
        }
    }

    @Test func mountsAreFound() {
        #expect(MountTable.hasMount(at: "/proc"))
        #expect(!MountTable.hasMount(at: "/proc/self"))
        #expect(!MountTable.hasMount(at: ""))
    }

    @Test func recordSurvivesTheFile() {
        var record = TapeRecord()
        #expect(TapeRecord(parsing: "1234\n") == record)
        (record.epoch, record.database, record.log, record.last) = ("abc", "1:2", "1:3", 7)
        record.markUncertain = "two\nlines"
        let read = TapeRecord(parsing: "99\n" + record.text + "later x\n\nlast\n")
        record.markUncertain = "two lines"
        #expect(read == record)
    }
}
