// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import EventLog
@testable import PostgresStore
@testable import SQLiteStore

@Suite(.system) struct SourceStoreSystemTests {
    private typealias Store = SourceStore & Tape & FanInStore

    private func withStore(
        _ implementation: Implementation,
        _ body: (any Store, _ reopen: () async throws -> any Store) async throws -> Void
    ) async throws {
        switch implementation {
        case .memory:
            let tape = MemoryTape()
            try await body(tape) { tape }
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

    private func step(
        _ version: Int,
        _ puts: [String: String] = [:],
        remove removals: [String] = [],
        deadLetters: [DeadLetter] = []
    ) -> SourceStep {
        SourceStep(
            source: "chain:ä",
            version: version,
            puts: puts.map { SourceEntry(name: $0.key, value: Array($0.value.utf8)) },
            removals: removals,
            deadLetters: deadLetters
        )
    }

    private func entries(_ texts: [(String, String)]) -> [SourceEntry] {
        texts.map { SourceEntry(name: $0.0, value: Array($0.1.utf8)) }
    }

    @Test(arguments: Implementation.allCases)
    func stepsAreTakenWithTheirEvents(_ implementation: Implementation) async throws {
        try await self.withStore(implementation) { store, reopen async throws in
            #expect(try await store.state(of: "chain:ä", prefix: "") == SourceState())
            let letter = DeadLetter(received: Timestamp(nanoseconds: 1), channel: "c", payload: [0], reason: "r")
            let first = self.step(0, ["a/1": "x", "a/2": "y", "b": "z"], deadLetters: [letter])
            guard case .committed(let receipts) = try await store.append([.sample("1", on: "k")], with: first) else {
                Issue.record("not committed")
                return
            }
            #expect(receipts.map(\.status) == [.accepted])
            // A step without events, and events that come a second time.
            #expect(try await store.append([], with: self.step(1, ["a/3": "w"], remove: ["a/1"])) == .committed([]))
            guard
                case .committed(let again) = try await store.append(
                    [.sample("1", on: "k"), .sample("2", on: "k")],
                    with: self.step(2, ["a/2": "Y"])
                )
            else {
                Issue.record("not committed")
                return
            }
            #expect(again.map(\.status) == [.duplicate, .accepted])
            let store = try await reopen()
            let state = try await store.state(of: "chain:ä", prefix: "a/")
            #expect(state.version == 3)
            #expect(state.entries == self.entries([("a/2", "Y"), ("a/3", "w")]))
            #expect(try await store.state(of: "chain:ä", prefix: "").entries.map(\.name) == ["a/2", "a/3", "b"])
            #expect(try await store.entries(of: "chain:ä", prefix: "a/", after: "a/2", limit: 9).map(\.name) == ["a/3"])
            #expect(
                try await store.entries(of: "chain:ä", prefix: "", after: "", limit: 2).map(\.name) == ["a/2", "a/3"]
            )
            #expect(try await store.state(of: "chain:other", prefix: "") == SourceState())
            #expect(try await store.deadLetters(limit: 9) == [letter])
            let channel = ChannelName(type: "note", key: "k")
            let extents = try await store.extents(of: [Event.sample("1", on: "k").channels[0], channel])
            #expect(extents.values.map(\.head).max() == 2)
        }
    }

    @Test(arguments: Implementation.allCases)
    func stepFromElsewhereChangesNothing(_ implementation: Implementation) async throws {
        try await self.withStore(implementation) { store, _ async throws in
            #expect(try await store.append([], with: self.step(0, ["a": "1"])) == .committed([]))
            let event = Event.sample("1", on: "k")
            #expect(try await store.append([event], with: self.step(0, ["a": "2"])) == .moved)
            #expect(try await store.append([event], with: self.step(7, ["a": "2"])) == .moved)
            #expect(try await store.state(of: "chain:ä", prefix: "").entries == self.entries([("a", "1")]))
            #expect(try await store.extents(of: event.channels).values.map(\.head) == [0])
        }
    }

    /// A caller that does not know whether a step was committed repeats it.
    @Test(arguments: Implementation.allCases)
    func stepIsTakenOnce(_ implementation: Implementation) async throws {
        try await self.withStore(implementation) { store, _ async throws in
            let step = self.step(0, ["a": "1"])
            let event = Event.sample("1", on: "k")
            _ = try await store.append([event], with: step)
            guard case .committed(let receipts) = try await store.append([event], with: step) else {
                Issue.record("not committed")
                return
            }
            #expect(receipts.map(\.status) == [.duplicate])
            #expect(try await store.state(of: "chain:ä", prefix: "").version == 1)
        }
    }

    @Test(arguments: Implementation.allCases)
    func conflictChangesNothing(_ implementation: Implementation) async throws {
        try await self.withStore(implementation) { store, _ async throws in
            let event = Event.sample("1", on: "k")
            _ = try await store.append([[event]])
            var other = event
            other.data = Array(#"{"other":1}"#.utf8)
            other.fingerprint = Fingerprint(type: other.type, keys: other.keys, time: other.time, data: other.data)
            let outcome = try await store.append([.sample("2", on: "k"), other], with: self.step(0, ["a": "1"]))
            #expect(outcome == .conflict(items: [1]))
            #expect(try await store.state(of: "chain:ä", prefix: "") == SourceState())
            #expect(try await store.extents(of: event.channels).values.map(\.head) == [1])
        }
    }
}
