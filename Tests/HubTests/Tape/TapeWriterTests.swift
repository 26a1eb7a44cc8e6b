// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import NIOCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct TapeWriterTests {
    private typealias Result = Swift.Result<AppendOutcome, AppendFault>

    /// Hands in requests from one thread and keeps the answers in the order in which they came.
    private static func submit(
        _ requests: [[Event]],
        to hub: TestHub,
        _ answers: Watched<[(index: Int, result: Result)]>
    ) async throws {
        let writer = hub.hub.writer
        let offset = answers.value.count
        try await writer.loop.submit {
            for (index, events) in requests.enumerated() {
                writer.submit(events) { result in answers.change { $0.append((offset + index, result)) } }
            }
        }.get()
    }

    private static func seqs(_ result: Result) -> [Int] {
        guard case .success(.committed(let receipts)) = result else { return [] }
        return receipts.flatMap { $0.positions.map(\.seq) }
    }

    @Test func requestsThatArriveDuringACommitShareTheNext() async throws {
        try await withHub { hub in
            hub.tape.appends.close()
            let answers = Watched<[(index: Int, result: Result)]>([])
            let requests = try (0..<50).map { _ in try hub.events([("note:k", "{}"), ("note:l", "{}")]) }
            try await Self.submit(Array(requests.prefix(1)), to: hub, answers)
            try await hub.tape.appends.waitForArrivals(1)
            let writer = hub.hub.writer
            for (index, events) in requests.enumerated().dropFirst() {
                writer.submit(events) { result in answers.change { $0.append((index, result)) } }
            }
            try await hub.settle()
            hub.tape.appends.open()
            try await answers.wait(for: "50 answers") { $0.count == 50 }
            #expect(hub.tape.log.batches == [1, 49])
            #expect(answers.value.map(\.index) == Array(0..<50))
            #expect(answers.value.map { Self.seqs($0.result) } == (1...50).map { [$0, $0] })
        }
    }

    @Test func batchIsBoundedInBytes() async throws {
        var configuration = HubConfiguration.forTests
        configuration.writer.batchBytes = 3 * 258
        try await withHub(configuration) { hub in
            hub.tape.appends.close()
            let answers = Watched<[(index: Int, result: Result)]>([])
            let one = try hub.events([("note:k", "{}")])
            let many = try hub.events(Array(repeating: ("note:k", "{}"), count: 8))
            try await Self.submit([one], to: hub, answers)
            try await hub.tape.appends.waitForArrivals(1)
            let requests = try [one, one, one, one, many, one].map { request in
                try hub.events(request.map { _ in ("note:k", "{}") })
            }
            let writer = hub.hub.writer
            for (index, events) in requests.enumerated() {
                writer.submit(events) { result in answers.change { $0.append((index + 1, result)) } }
            }
            try await hub.settle()
            hub.tape.appends.open()
            try await answers.wait(for: "7 answers") { $0.count == 7 }
            // Three fit; the larger request is a batch of its own.
            #expect(hub.tape.log.batches == [1, 3, 1, 1, 1])
            #expect(answers.value.map(\.index) == Array(0..<7))
        }
    }

    @Test func nothingIsAnsweredBeforeItsSubscribersAreTold() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await hub.settle()
            let writer = hub.hub.writer
            for number in 1...20 {
                let events = try hub.events([("note:k", "{}")])
                let transport = client.transport
                let before = transport.record.writes
                let wasTold: Bool = await withCheckedContinuation { continuation in
                    writer.submit(events) { _ in continuation.resume(returning: transport.record.writes > before) }
                }
                #expect(wasTold, "event \(number)")
                try await client.events(on: "note:k", through: number)
            }
        }
    }

    @Test func tooMuchWaitingIsRefused() async throws {
        var configuration = HubConfiguration.forTests
        configuration.writer.waitingBytes = 2 * 258
        try await withHub(configuration) { hub in
            hub.tape.appends.close()
            let answers = Watched<[(index: Int, result: Result)]>([])
            try await Self.submit([try hub.events([("note:k", "{}")])], to: hub, answers)
            try await hub.tape.appends.waitForArrivals(1)
            let huge = #"{"x":"\#(String(repeating: "x", count: 10_000))"}"#
            let rest = try [huge, "{}", "{}"].map { try hub.events([("note:k", $0)]) }
            let writer = hub.hub.writer
            for (index, events) in rest.enumerated() {
                writer.submit(events) { result in answers.change { $0.append((index + 1, result)) } }
            }
            // An empty queue takes a request of any size; behind it there is no room.
            try await answers.wait(for: "two refusals") { $0.count == 2 }
            #expect(answers.value.map(\.index) == [2, 3])
            #expect(answers.value.allSatisfy { $0.result == .failure(.overloaded) })
            hub.tape.appends.open()
            try await answers.wait(for: "all answers") { $0.count == 4 }
            #expect(answers.value.suffix(2).map { Self.seqs($0.result) } == [[1], [2]])
            #expect(try await hub.publish("note:k") == 3)
        }
    }

    @Test func failedBatchIsAnsweredAndTheNextIsWritten() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            hub.tape.fail(.append, .before(.unavailable("locked")))
            let events = try hub.events([("note:k", "{}")])
            await #expect(throws: AppendFault.unavailable(.unavailable("locked"))) {
                try await hub.hub.writer.append(events)
            }
            #expect(!hub.hub.isReady)
            #expect(try await hub.hub.writer.append(events) != .conflict(items: [0]))
            #expect(hub.hub.isReady)
            #expect(try await client.events(on: "note:k", through: 1) == [1])
        }
    }

    @Test func conflictLeavesTheOthersOfItsBatchAlone() async throws {
        try await withHub { hub in
            let known = Event.sample("a", on: "k")
            _ = try await hub.hub.writer.append([known])
            hub.tape.appends.close()
            let answers = Watched<[(index: Int, result: Result)]>([])
            try await Self.submit([try hub.events([("note:z", "{}")])], to: hub, answers)
            try await hub.tape.appends.waitForArrivals(2)
            let writer = hub.hub.writer
            let requests = [
                [Event.sample("b", on: "k")],
                [Event.sample("c", on: "k"), Event.sample("a", on: "k", data: #"{"other":1}"#)],
                [Event.sample("d", on: "k"), known],
            ]
            for (index, events) in requests.enumerated() {
                writer.submit(events) { result in answers.change { $0.append((index + 1, result)) } }
            }
            try await hub.settle()
            hub.tape.appends.open()
            try await answers.wait(for: "all answers") { $0.count == 4 }
            #expect(hub.tape.log.batches == [1, 1, 3])
            #expect(answers.value.map { Self.seqs($0.result) } == [[1], [2], [], [3, 1]])
            #expect(answers.value[2].result == .success(.conflict(items: [1])))
        }
    }

    /// The connection to the tape broke during the commit: the events are stored, and the publisher sends them again.
    @Test func eventsOfAnUnknownOutcomeReachSubscribersWhenSentAgain() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            hub.tape.fail(.append, .after(.outcomeUnknown("connection lost")))
            let events = try hub.events([("note:k", "{}"), ("note:k", "{}")])
            await #expect(throws: AppendFault.unavailable(.outcomeUnknown("connection lost"))) {
                try await hub.hub.writer.append(events)
            }
            guard case .committed(let receipts) = try await hub.hub.writer.append(events) else {
                Issue.record("not committed")
                return
            }
            #expect(receipts.map(\.status) == [.duplicate, .duplicate])
            #expect(try await client.events(on: "note:k", through: 2) == [1, 2])
        }
    }

    /// Sent again in one batch with others, before and behind it.
    @Test func unknownOutcomeSentAgainAmongOthersKeepsTheOrder() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            hub.tape.fail(.append, .after(.outcomeUnknown("connection lost")))
            let lost = try hub.events([("note:k", "{}"), ("note:k", "{}")])
            await #expect(throws: AppendFault.self) { try await hub.hub.writer.append(lost) }
            hub.tape.appends.close()
            let answers = Watched<[(index: Int, result: Result)]>([])
            try await Self.submit([try hub.events([("note:z", "{}")])], to: hub, answers)
            try await hub.tape.appends.waitForArrivals(2)
            let batch = [try hub.events([("note:k", "{}")]), lost, try hub.events([("note:k", "{}")])]
            try await Self.submit(batch, to: hub, answers)
            hub.tape.appends.open()
            try await answers.wait(for: "all answers") { $0.count == 4 }
            #expect(answers.value.map { Self.seqs($0.result) } == [[1], [3], [1, 2], [4]])
            #expect(hub.tape.log.batches == [1, 1, 3])
            try await hub.publish("note:k")
            #expect(try await client.events(on: "note:k", through: 5) == [1, 2, 3, 4, 5])
        }
    }

    @Test func finishingDrainsWhatWaits() async throws {
        try await withHub { hub in
            hub.tape.appends.close()
            let answers = Watched<[(index: Int, result: Result)]>([])
            try await Self.submit([try hub.events([("note:k", "{}")])], to: hub, answers)
            try await hub.tape.appends.waitForArrivals(1)
            let writer = hub.hub.writer
            let waiting = try (1...5).map { _ in try hub.events([("note:k", "{}")]) }
            for (index, events) in waiting.enumerated() {
                writer.submit(events) { result in answers.change { $0.append((index + 1, result)) } }
            }
            await writer.finish()
            let late = try hub.events([("note:k", "{}")])
            await #expect(throws: AppendFault.stopping) { try await writer.append(late) }
            hub.tape.appends.open()
            try await answers.wait(for: "all answers") { $0.count == 6 }
            #expect(answers.value.map { Self.seqs($0.result) } == (1...6).map { [$0] })
        }
    }
}
