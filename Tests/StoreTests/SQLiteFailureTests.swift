// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import TestSupport
import Testing

@testable import SQLiteStore

@Suite struct SQLiteFailureTests {
    private let channel = ChannelName(type: "note", key: "a")

    private func withTape(_ body: (SQLiteTape, _ path: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let tape = try await SQLiteTape(path: folder + "/tape", busyTimeout: .zero)
            try await body(tape, folder + "/tape")
            await tape.close()
        }
    }

    private func execute(_ sql: String, _ tape: SQLiteTape) async throws {
        try await tape.pool.writeWithoutTransaction { db in try db.execute(sql: sql) }
    }

    @Test func fullDiskAppendsNothingAndPasses() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append([[.sample("1", on: "a")]])
            try await self.execute("PRAGMA max_page_count = 1", tape)
            let big = String(repeating: "x", count: 100_000)
            let requests: [[Event]] = [[.sample("2", on: "a", "new")], [.sample("3", on: "a", data: big)]]
            for _ in 1...2 {
                #expect(await faultOf { _ = try await tape.append(requests) }.isUnavailable(saying: "full"))
                #expect(try await tape.extents(of: [self.channel]).values.map(\.head) == [1])
                #expect(try await tape.channels(withPrefix: "", after: nil, limit: 9).count == 1)
            }
            try await self.execute("PRAGMA max_page_count = 1000000", tape)
            let outcomes = try await tape.append(requests)
            #expect(outcomes.map(\.seqs) == [[[2, 1]], [[3]]])
            #expect(
                try await tape.page(of: self.channel, after: 0, limit: PageLimit(entries: 9, bytes: .max))
                    .entries.map(\.id) == ["1", "2", "3"]
            )
        }
    }

    /// A row whose number is none is a fault of the row, whatever is asked.
    @Test(arguments: ["9223372036854775807", "-9223372036854775808", "-1", "9007199254740992"])
    func numberOfADamagedRowIsDamage(_ number: String) async throws {
        let change = "UPDATE channels SET first = \(number)"
        try await self.withTape { tape, _ in
            _ = try await tape.append([[.sample("1", on: "a")]])
            try await self.execute(change, tape)
            let limit = PageLimit(entries: 9, bytes: .max)
            #expect(await faultOf { _ = try await tape.extents(of: [self.channel]) }.isDamaged(saying: number))
            #expect(
                await faultOf { _ = try await tape.page(of: self.channel, after: 0, limit: limit) }
                    .isDamaged(saying: number)
            )
        }
    }

    @Test func surprisingConstraintIsARefusalAndAppendsNothing() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append([[.sample("1", on: "a")]])
            try await self.execute(
                """
                CREATE TRIGGER injected BEFORE INSERT ON positions WHEN new.seq = 3
                BEGIN SELECT raise(ABORT, 'injected'); END
                """,
                tape
            )
            let requests: [[Event]] = [[.sample("2", on: "a")], [.sample("3", on: "a")], [.sample("4", on: "b")]]
            #expect(await faultOf { _ = try await tape.append(requests) }.isRefused(saying: "injected"))
            #expect(try await tape.extents(of: [self.channel]).values.map(\.head) == [1])
            try await self.execute("DROP TRIGGER injected", tape)
            #expect(try await tape.append(requests).map(\.seqs) == [[[2]], [[3]], [[1]]])
        }
    }

    @Test func failedPruneRemovesNothing() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append((1...5).map { [.sample("\($0)", on: "a")] })
            try await self.execute(
                """
                CREATE TRIGGER injected BEFORE DELETE ON positions WHEN old.seq = 3
                BEGIN SELECT raise(ABORT, 'injected'); END
                """,
                tape
            )
            let end = Timestamp(nanoseconds: .max)
            let fault = await faultOf { _ = try await tape.prune(type: "note", acceptedBefore: end, limit: 9) }
            #expect(fault.isDamaged(saying: "injected"))
            #expect(try await tape.extents(of: [self.channel]).values.map(\.first) == [1])
            #expect(try await tape.append([[.sample("1", on: "a")]]).map(\.seqs) == [[[1]]])
            try await self.execute("DROP TRIGGER injected", tape)
            #expect(try await tape.prune(type: "note", acceptedBefore: end, limit: 9) == 4)
        }
    }

    @Test func lockedByAnotherProgramIsUnavailable() async throws {
        try await self.withTape { tape, path in
            _ = try await tape.append([[.sample("1", on: "a")]])
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            try await other.writeWithoutTransaction { db in
                try db.beginTransaction(.immediate)
                try db.execute(sql: "INSERT INTO types (name) VALUES ('x')")
            }
            let fault = await faultOf { _ = try await tape.append([[.sample("2", on: "a")]]) }
            #expect(fault.isUnavailable(saying: "locked"))
            #expect(try await tape.extents(of: [self.channel]).values.map(\.head) == [1])
            try await other.writeWithoutTransaction { db in try db.rollback() }
            #expect(try await tape.append([[.sample("2", on: "a")]]).map(\.seqs) == [[[2]]])
            try other.close()
        }
    }

    @Test(arguments: [
        "DELETE FROM positions WHERE seq = 2",
        "DELETE FROM events WHERE event_id = '2'",
    ])
    func missingEntryIsDamage(_ sql: String) async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append((1...3).map { [.sample("\($0)", on: "a")] })
            try await self.execute(sql, tape)
            let fault = await faultOf {
                _ = try await tape.page(of: self.channel, after: 0, limit: PageLimit(entries: 9, bytes: .max))
            }
            #expect(fault.isDamaged(saying: "note:a lacks number 2"))
        }
    }

    @Test func callsAfterClosingAreUnavailable() async throws {
        try await self.withTape { tape, _ in
            await tape.close()
            #expect(await faultOf { _ = try await tape.append([[.sample("1", on: "a")]]) }.isUnavailable())
            #expect(await faultOf { _ = try await tape.extents(of: [self.channel]) }.isUnavailable())
            #expect(
                await faultOf { _ = try await tape.prune(type: "note", acceptedBefore: .now, limit: 1) }.isUnavailable()
            )
        }
    }

    @Test func commitIsFinishedWhenTheCallerIsCancelled() async throws {
        try await self.withTape { tape, _ in
            for seq in 1...50 {
                let task = Task { try await tape.append([[.sample("\(seq)", on: "a")]]) }
                task.cancel()
                let outcomes = try await task.value
                #expect(outcomes.map(\.seqs) == [[[seq]]])
            }
        }
    }

    /// What retention passes over it looks at once, until it is superseded.
    @Test func keptEventsLeaveTheQueue() async throws {
        try await self.withTape { tape, _ in
            func waiting() async throws -> [Int] {
                try await tape.pool.read { db in try Int.fetchAll(db, sql: "SELECT event FROM ageing ORDER BY event") }
            }
            let end = Timestamp(nanoseconds: .max)
            _ = try await tape.append([[.sample("1", on: "a"), .sample("2", on: "b", slot: "x")]])
            #expect(try await waiting() == [1, 2])
            #expect(try await tape.prune(type: "note", acceptedBefore: end, limit: 9) == 0)
            #expect(try await waiting() == [])
            _ = try await tape.append([[.sample("3", on: "a")]])
            #expect(try await waiting() == [1, 3])
            _ = try await tape.append([[.sample("4", on: "b", slot: "y"), .sample("5", on: "b", slot: "x")]])
            #expect(try await waiting() == [1, 2, 3, 4, 5])
            #expect(try await tape.prune(type: "note", acceptedBefore: end, limit: 9) == 2)
            #expect(try await waiting() == [])
        }
    }

    @Test(arguments: [
        (ResultCode.SQLITE_FULL, true), (.SQLITE_BUSY, true), (.SQLITE_BUSY_SNAPSHOT, true),
        (.SQLITE_IOERR_WRITE, true),
        (.SQLITE_CANTOPEN, true), (.SQLITE_READONLY_DBMOVED, true), (.SQLITE_CORRUPT, false), (.SQLITE_NOTADB, false),
        (.SQLITE_CONSTRAINT_UNIQUE, false), (.SQLITE_ERROR, false),
    ])
    func errorsBeforeCommit(_ code: ResultCode, _ isPassing: Bool) {
        let text = "SQLite: m (code \(code.rawValue))"
        let fault = TapeFault(before: DatabaseError(resultCode: code, message: "m"))
        #expect(fault == (isPassing ? .unavailable(text) : .damaged(text)))
    }

    @Test(arguments: [
        (ResultCode.SQLITE_TOOBIG, "SQLite 18, a limit of the database" as String?),
        (.SQLITE_CONSTRAINT_UNIQUE, nil), (.SQLITE_CONSTRAINT_PRIMARYKEY, nil),
        (.SQLITE_CONSTRAINT_TRIGGER, "SQLite 1811, a constraint of the database"), (.SQLITE_FULL, nil),
        (.SQLITE_IOERR_WRITE, nil), (.SQLITE_CORRUPT, nil), (.SQLITE_ERROR, nil),
    ])
    func errorsOfStoring(_ code: ResultCode, _ kind: String?) {
        let error = DatabaseError(resultCode: code, message: "m")
        let text = "SQLite: m (code \(code.rawValue))"
        let expected =
            kind.map { TapeFault.refused(ContentRefusal(kind: $0, detail: text)) } ?? TapeFault(before: error)
        #expect(TapeFault(storing: error) == expected)
    }

    @Test func errorsOfCommit() {
        func fault(_ code: ResultCode) -> TapeFault {
            TapeFault(during: DatabaseError(resultCode: code, message: "m"))
        }
        #expect(
            fault(.SQLITE_IOERR_FSYNC) == .outcomeUnknown("SQLite: m (code \(ResultCode.SQLITE_IOERR_FSYNC.rawValue))")
        )
        #expect(fault(.SQLITE_FULL) == .unavailable("SQLite: m (code 13)"))
        #expect(fault(.SQLITE_BUSY) == .unavailable("SQLite: m (code 5)"))
        #expect(fault(.SQLITE_CORRUPT) == .damaged("SQLite: m (code 11)"))
    }
}
