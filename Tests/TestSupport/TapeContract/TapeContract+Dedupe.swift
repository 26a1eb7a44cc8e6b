// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    static let dedupeRules = [
        Rule("sameContentIsDuplicate") { try await $0.sameContentIsDuplicate() },
        Rule("duplicateKeepsPositionsOfEveryKey") { try await $0.duplicateKeepsPositionsOfEveryKey() },
        Rule("otherContentIsConflict") { try await $0.otherContentIsConflict() },
        Rule("dedupeSeesTheSameCall") { try await $0.dedupeSeesTheSameCall() },
        Rule("dedupeSeesTheSameRequest") { try await $0.dedupeSeesTheSameRequest() },
        Rule("conflictLeavesOtherRequestsAlone") { try await $0.conflictLeavesOtherRequestsAlone() },
        Rule("conflictCreatesNoChannel") { try await $0.conflictCreatesNoChannel() },
        Rule("idsBelongToTheirSource") { try await $0.idsBelongToTheirSource() },
    ]

    func sameContentIsDuplicate() async throws {
        try await self.withTape { tape, _ in
            let first = try await tape.append(.sample("1", on: "a"))
            _ = try await tape.append(.sample("2", on: "a"))
            let again = try await tape.append(.sample("1", on: "a"), .sample("3", on: "a"))
            #expect(again.statuses == [.duplicate, .accepted])
            #expect(again.seqs == [[1], [3]])
            #expect(first.seqs == [[1]])
            #expect(try await tape.page(of: .note("a")).ids == ["1", "2", "3"])
        }
    }

    func duplicateKeepsPositionsOfEveryKey() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append(.sample("0", on: "b"))
            let event = Event.sample("1", on: "b", "a")
            guard case .committed(let first) = try await tape.append(event),
                case .committed(let again) = try await tape.append(event)
            else { return #expect(Bool(false), "conflict") }
            #expect(again.map(\.positions) == first.map(\.positions))
            #expect(again.map(\.positions[0].seq) == [2])
            #expect(again.map(\.positions[1].seq) == [1])
        }
    }

    func otherContentIsConflict() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append(.sample("1", on: "a"))
            #expect(try await tape.append(.sample("1", on: "a", data: "{}")) == .conflict(items: [0]))
            #expect(try await tape.append(.sample("1", on: "b")) == .conflict(items: [0]))
            let outcome = try await tape.append(
                .sample("2", on: "a"),
                .sample("1", on: "a", data: "{}"),
                .sample("1", on: "a"),
                .sample("1", on: "a", "b")
            )
            #expect(outcome == .conflict(items: [1, 3]))
            #expect(try await tape.page(of: .note("a")).ids == ["1"])
        }
    }

    func dedupeSeesTheSameCall() async throws {
        try await self.withTape { tape, _ in
            let outcomes = try await tape.append([
                [.sample("1", on: "a")],
                [.sample("1", on: "a"), .sample("2", on: "a")],
                [.sample("2", on: "a", data: "{}")],
                [.sample("3", on: "a")],
            ])
            #expect(outcomes.map(\.statuses) == [[.accepted], [.duplicate, .accepted], nil, [.accepted]])
            #expect(outcomes.map(\.seqs) == [[[1]], [[1], [2]], nil, [[3]]])
        }
    }

    func dedupeSeesTheSameRequest() async throws {
        try await self.withTape { tape, _ in
            let event = Event.sample("1", on: "a", "b")
            let outcome = try await tape.append(event, .sample("2", on: "a"), event)
            #expect(outcome.statuses == [.accepted, .accepted, .duplicate])
            #expect(outcome.seqs == [[1, 1], [2], [1, 1]])
            let conflict = try await tape.append(
                .sample("3", on: "a"),
                .sample("3", on: "a", data: "{}"),
                .sample("4", on: "a")
            )
            #expect(conflict == .conflict(items: [1]))
            #expect(try await tape.append(.sample("3", on: "a", data: "{}")).seqs == [[3]])
        }
    }

    func conflictLeavesOtherRequestsAlone() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append(.sample("0", on: "a"))
            let outcomes = try await tape.append([
                [.sample("1", on: "a"), .sample("2", on: "b")],
                [.sample("3", on: "a"), .sample("0", on: "a", data: "{}"), .sample("4", on: "b")],
                [.sample("5", on: "b"), .sample("6", on: "a")],
            ])
            #expect(outcomes.map(\.seqs) == [[[2], [1]], nil, [[2], [3]]])
            #expect(outcomes[1] == .conflict(items: [1]))
            #expect(try await tape.page(of: .note("a")).ids == ["0", "1", "6"])
            #expect(try await tape.page(of: .note("b")).ids == ["2", "5"])
        }
    }

    func conflictCreatesNoChannel() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append(.sample("1", on: "a"))
            _ = try await tape.append(.sample("2", on: "new"), .sample("1", on: "new"))
            #expect(try await tape.channels(withPrefix: "", after: nil, limit: 10).map(\.name) == [.note("a")])
            #expect(try await tape.append(.sample("2", on: "new")).seqs == [[1]])
        }
    }

    func idsBelongToTheirSource() async throws {
        try await self.withTape { tape, _ in
            _ = try await tape.append(.sample("1", on: "a", source: "x"))
            #expect(try await tape.append(.sample("1", on: "a", source: "y", data: "{}")).seqs == [[2]])
            #expect(try await tape.append(.sample("1", on: "a", source: "x")).seqs == [[1]])
        }
    }
}
