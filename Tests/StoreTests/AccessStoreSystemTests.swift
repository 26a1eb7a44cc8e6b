// SPDX-License-Identifier: Apache-2.0

import EventLog
import PostgresStore
import SQLiteStore
import TestSupport
import Testing

/// Revocations and the audit trail beside the log.
@Suite(.system) struct AccessStoreSystemTests {
    private typealias Store = RevocationStore & AuditStore

    enum Kind: String, Sendable, CaseIterable {
        case sqlite
        case postgres
    }

    /// A store, and a function that reopens it.
    private func withStore(
        _ kind: Kind,
        _ body: (any Store, _ reopen: () async throws -> any Store) async throws -> Void
    ) async throws {
        switch kind {
        case .sqlite:
            try await withTemporaryFolder { folder in
                var tape = try await SQLiteTape(path: folder + "/tape")
                try await body(tape) {
                    await tape.close()
                    tape = try await SQLiteTape(path: folder + "/tape")
                    return tape
                }
                await tape.close()
            }
        case .postgres:
            let url = try await PostgresServer.shared.makeSchema()
            var tape = try await PostgresTape(url: url, settings: .test())
            try await body(tape) {
                await tape.close()
                tape = try await PostgresTape(url: url, settings: .test())
                return tape
            }
            await tape.close()
        }
    }

    private static func time(_ second: Int64) -> Timestamp {
        Timestamp(nanoseconds: second * 1_000_000_000)
    }

    @Test(arguments: Kind.allCases)
    func revocationsAreKeptByTarget(_ kind: Kind) async throws {
        try await self.withStore(kind) { store, reopen in
            #expect(try await store.revocationChanges(after: 0, limit: 9).isEmpty)
            let token = Revocation(.token("t'1\\"), time: Self.time(1), until: Self.time(50), reason: "lost \"phone\"")
            let user = Revocation(.subject("e\u{301}"), time: Self.time(2))
            let other = Revocation(.subject("\u{E9}"), time: Self.time(2))
            try await store.revoke([token, user, other])
            try await store.revoke([])
            let store = try await reopen()
            let first = try await store.revocationChanges(after: 0, limit: 9)
            #expect(Set(first.map(\.revocation.target)) == [token.target, user.target, other.target])
            #expect(first.first { $0.revocation.target == token.target }?.revocation == token)
            #expect(first.allSatisfy { !$0.isLifted })
            #expect(first.map(\.number) == first.map(\.number).sorted())
            // A change of one comes after all there was.
            let last = try #require(first.last).number
            let again = Revocation(.token("t'1\\"), time: Self.time(9), reason: "again")
            try await store.revoke([Revocation(again.target, time: Self.time(8)), again])
            #expect(try await store.lift(user.target, at: Self.time(10)))
            #expect(try await store.lift(user.target, at: Self.time(11)) == false)
            #expect(try await store.lift(.session("none"), at: Self.time(11)) == false)
            let changes = try await store.revocationChanges(after: last, limit: 9)
            #expect(changes.map(\.revocation.target) == [again.target, user.target])
            #expect(changes.map(\.isLifted) == [false, true])
            #expect(changes.first?.revocation == again)
            #expect(try await store.revocationChanges(after: last, limit: 1).count == 1)
        }
    }

    /// Numbers are never given twice, or a node that has seen one would miss the change.
    @Test(arguments: Kind.allCases)
    func endedRevocationsAreForgottenAndTheirNumbersAreNot(_ kind: Kind) async throws {
        try await self.withStore(kind) { store, reopen in
            try await store.revoke([Revocation(.token("a"), time: Self.time(1), until: Self.time(10))])
            try await store.revoke([Revocation(.token("b"), time: Self.time(1))])
            try await store.revoke([Revocation(.token("c"), time: Self.time(1), until: Self.time(20))])
            let last = try #require(try await store.revocationChanges(after: 0, limit: 9).last).number
            try await store.forgetRevocations(endedBefore: Self.time(21))
            #expect(try await store.revocationChanges(after: 0, limit: 9).map(\.revocation.target) == [.token("b")])
            let store = try await reopen()
            try await store.revoke([Revocation(.token("d"), time: Self.time(30))])
            #expect(try await store.revocationChanges(after: last, limit: 9).map(\.revocation.target) == [.token("d")])
            #expect(try await store.lift(.token("d"), at: Self.time(40)))
            let week = RevocationChange.liftedKept
            try await store.forgetRevocations(endedBefore: Self.time(40).advanced(by: week))
            #expect(try await store.revocationChanges(after: 0, limit: 9).count == 2)
            try await store.forgetRevocations(endedBefore: Self.time(41).advanced(by: week))
            #expect(try await store.revocationChanges(after: 0, limit: 9).map(\.revocation.target) == [.token("b")])
        }
    }

    /// Many nodes revoke at once: none of them misses what another has done, though it reads all the while.
    @Test func changesOfManyNodesAreSeenInOrder() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tape = try await PostgresTape(url: url, settings: .test())
        let others = try await [PostgresTape(url: url, settings: .test()), PostgresTape(url: url, settings: .test())]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (node, other) in others.enumerated() {
                group.addTask {
                    for number in 0..<40 {
                        try await other.revoke([Revocation(.token("\(node)-\(number)"), time: Self.time(1))])
                    }
                }
            }
            group.addTask {
                var seen: Set<String> = []
                var number = 0
                while seen.count < 80, !Task.isCancelled {
                    // What is there before the read and is not seen by it never will be.
                    let isComplete = try await tape.revocationChanges(after: 0, limit: 1_000).count == 80
                    let changes = try await tape.revocationChanges(after: number, limit: 1_000)
                    seen.formUnion(changes.map(\.revocation.target.value))
                    number = changes.last?.number ?? number
                    if isComplete { break }
                }
                #expect(seen.count == 80 || Task.isCancelled)
            }
            // The first that fails ends the others.
            try await group.waitForAll()
        }
        for tape in others + [tape] { await tape.close() }
    }

    @Test(arguments: Kind.allCases)
    func theTrailIsReadNewestFirst(_ kind: Kind) async throws {
        func record(_ number: Int, _ action: AuditRecord.Action = .publish) -> AuditRecord {
            AuditRecord(
                time: Self.time(Int64(number)),
                node: "node-1",
                actor: number.isMultiple(of: 2) ? "even" : "o'dd",
                action: action,
                object: "ü:\(number)",
                result: "accepted",
                count: number,
                detail: "\"\(number)\""
            )
        }
        try await self.withStore(kind) { store, reopen in
            try await store.record([])
            try await store.record((1...5).map { record($0) })
            try await store.record([record(6, .supportRead), record(7, .revoke)])
            let store = try await reopen()
            let all = try await store.auditEntries(AuditQuery(limit: 100))
            #expect(
                all.map(\.record)
                    == (1...5).reversed().reduce(into: [record(7, .revoke), record(6, .supportRead)]) {
                        $0.append(record($1))
                    }
            )
            // Page by page.
            var found: [AuditEntry] = []
            while true {
                let page = try await store.auditEntries(AuditQuery(before: found.last?.id, limit: 3))
                found += page
                if page.count < 3 { break }
            }
            #expect(found == all)
            func counts(_ query: AuditQuery) async throws -> [Int] {
                try await store.auditEntries(query).map(\.record.count)
            }
            #expect(try await counts(AuditQuery(actor: "o'dd", limit: 9)) == [7, 5, 3, 1])
            #expect(try await counts(AuditQuery(actor: "even", action: .publish, limit: 9)) == [4, 2])
            #expect(try await counts(AuditQuery(action: .supportRead, limit: 9)) == [6])
            #expect(try await counts(AuditQuery(before: all[1].id, actor: "o'dd", limit: 1)) == [5])
            #expect(try await store.pruneAudit(before: Self.time(5), limit: 3) == 3)
            #expect(try await store.pruneAudit(before: Self.time(5), limit: 3) == 1)
            #expect(try await store.pruneAudit(before: Self.time(5), limit: 3) == 0)
            #expect(try await counts(AuditQuery(limit: 9)) == [7, 6, 5])
        }
    }
}
