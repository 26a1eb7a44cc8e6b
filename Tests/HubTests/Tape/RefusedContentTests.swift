// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// Events that a tape rejects because of their content: only the offending event fails, all others succeed.
@Suite(.timeLimit(.minutes(1))) struct RefusedContentTests {
    private typealias Answer = Result<AppendOutcome, AppendFault>

    private static let refusal = ContentRefusal(kind: "a limit", detail: "the innards")

    private static func isUnfit(_ event: Event) -> Bool {
        event.id.utf8.starts(with: "bad".utf8)
    }

    /// Hands in requests that become one batch, and waits for the answers.
    private static func batch(_ requests: [[Event]], on hub: TestHub) async throws -> [Answer?] {
        let answers = Watched<[Int: Answer]>([:])
        hub.tape.appends.close()
        let before = hub.tape.appends.arrivals
        let writer = hub.hub.writer
        writer.submit([Event.sample("first-\(before)", on: "first")]) { _ in }
        try await hub.tape.appends.waitForArrivals(before + 1)
        for (index, events) in requests.enumerated() {
            writer.submit(events) { answer in answers.change { $0[index] = answer } }
        }
        try await hub.settle()
        hub.tape.appends.open()
        try await answers.wait(for: "all answers") { $0.count == requests.count }
        return requests.indices.map { answers.value[$0] }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func culpritsAreRefusedAndTheOthersCommitted(seed: UInt64) async throws {
        var dice = SplitMix(seed: seed)
        let count = Int.random(in: 1...200, using: &dice)
        let culprits = Set(
            (0..<Int.random(in: 1...4, using: &dice)).map { _ in Int.random(in: 0..<count, using: &dice) }
        )
        let requests = (0..<count).map { index in
            [Event.sample(culprits.contains(index) ? "bad\(index)" : "\(index)", on: "k")]
        }
        try await withHub { hub in
            hub.tape.refuse(Self.isUnfit)
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            let answers = try await Self.batch(requests, on: hub)
            var seq = 0
            for (index, answer) in answers.enumerated() {
                if culprits.contains(index) {
                    #expect(answer == .success(.refused(Self.refusal)))
                } else {
                    seq += 1
                    guard case .success(.committed(let receipts)) = answer else {
                        Issue.record("\(index): \(String(describing: answer))")
                        continue
                    }
                    #expect(receipts.map { $0.positions.map(\.seq) } == [[seq]])
                }
            }
            if seq > 0 { #expect(try await client.events(on: "note:k", through: seq) == Array(1...seq)) }
            // Nothing is wrong with the node.
            #expect(hub.hub.isReady)
            #expect(!hub.hub.notice.isPaused)
            let tally = await hub.hub.writer.tally
            #expect(tally.unfit == culprits.count && tally.failures == 0 && tally.accepted == seq + 1)
            #expect(await hub.hub.writer.figures.events["note"]?[.refused] == culprits.count)
            // Two for each time that the number can be halved, for each culprit.
            #expect(hub.tape.log.batches.count <= 2 + culprits.count * 2 * 8)
        }
    }

    @Test func aRequestIsAllOrNothing() async throws {
        try await withHub { hub in
            hub.tape.refuse(Self.isUnfit)
            let answers = try await Self.batch(
                [
                    [.sample("1", on: "k"), .sample("bad", on: "k"), .sample("2", on: "k")], [.sample("3", on: "k")],
                    [.sample("4", on: "k"), .sample("5", on: "k")],
                ],
                on: hub
            )
            #expect(answers[0] == .success(.refused(Self.refusal)))
            #expect(try await hub.tape.extents(of: [ChannelName(type: "note", key: "k")]).values.map(\.head) == [3])
        }
    }

    /// Events committed before the tape failed remain valid and are delivered; the rest must be sent again.
    @Test func aFaultBehindARefusalConcernsTheRestOnly() async throws {
        try await withHub { hub in
            hub.tape.refuse(Self.isUnfit)
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            // The first by itself, all four, the first two.
            hub.tape.fail(.append, .pass, .pass, .pass, .before(.unavailable("away")))
            let answers = try await Self.batch(
                ["1", "2", "3", "bad"].map { [.sample($0, on: "k")] },
                on: hub
            )
            #expect(answers.map { $0.map { (try? $0.get()) != nil } } == [true, true, false, false])
            #expect(answers[2] == .failure(.unavailable(.unavailable("away"))))
            #expect(!hub.hub.isReady)
            #expect(try await client.events(on: "note:k", through: 2) == [1, 2])
            #expect(await hub.hub.writer.tally.failures == 2)
        }
    }

    @Test func publishersAreToldWhatTheyMayKnow() async throws {
        try await withHub { hub in
            hub.tape.refuse(Self.isUnfit)
            let client = try await hub.connect(token: "svc publish:*")
            func publish(_ id: Int, _ events: String...) async throws -> JSON.Value {
                try await client.send(#"{"op":"publish","id":\#(id),"events":[\#(events.joined(separator: ","))]}"#)
                return try await client.answer(id, op: "error")
            }
            let one = try await publish(1, #"{"type":"note","key":"k","id":"bad","data":{}}"#)
            #expect(one["code"]?.string == "invalid_event")
            #expect(one["message"]?.string?.contains("cannot be stored (a limit)") == true, "\(one.json)")
            #expect(one["items"]?.elements.map { $0["index"]?.integer(in: .seq) } == [0])
            let two = try await publish(
                2,
                #"{"type":"note","key":"k","id":"1","data":{}}"#,
                #"{"type":"note","key":"k","id":"bad","data":{}}"#
            )
            #expect(two["code"]?.string == "invalid_event")
            #expect(two["message"]?.string?.contains("one of the 2 events") == true, "\(two.json)")
            #expect(![one, two].contains { $0.json.contains("innards") })
            // Operators see the details.
            #expect(hub.hub.recentErrors.all.contains { $0.detail.contains("innards") && $0.subject == "svc" })
        }
    }

    // MARK: - The fan-in

    @Test func aMessageIsSetAsideAtOnceAndTheOthersKeepTheirOrder() async throws {
        try await FanInTests.withFanIn { ground in
            ground.hub.tape.refuse(Self.isUnfit)
            let client = try await ground.hub.connect()
            try await client.subscribe("note:k")
            ground.hub.tape.appends.close()
            for seq in 1...20 {
                let id = seq == 7 || seq == 20 ? "bad\(seq)" : "\(seq)"
                ground.source.send("rate.x", FanInTests.note("k", seq: seq, id: id, n: seq))
            }
            try await ground.source.wait(forReceived: 20)
            ground.hub.tape.appends.open()
            try await ground.store.wait(for: "two letters") { $0.deadLetters.count == 2 }
            #expect(ground.store.value.deadLetters.allSatisfy { $0.reason.contains("the innards") })
            #expect(try await client.events(on: "note:k", through: 18) == Array(1...18))
            let numbers = client.messages("event").compactMap { $0["data"]?["n"]?.integer(in: .seq) }
            #expect(numbers == Array(1...20).filter { $0 != 7 && $0 != 20 })
            let tally = await ground.fanIn.tally
            #expect(tally.events == 18 && tally.unfit == 2 && tally.retries == 0 && tally.gaps == 0)
            #expect(ground.hub.hub.isReady)
        }
    }

    @Test func aLetterOrMarkThatCannotBeKeptHoldsUpNoOther() async throws {
        try await FanInTests.withFanIn { ground in
            ground.store.refuse("rate.bad")
            ground.hub.tape.appends.close()
            for name in ["rate.a", "rate.bad", "rate.c"] {
                ground.source.send(name, FanInTests.note("k", seq: 1))
                ground.source.send(name, "not JSON")
            }
            try await ground.source.wait(forReceived: 6)
            ground.hub.tape.appends.open()
            try await ground.store.wait(for: "letters and marks") { record in
                record.deadLetters.count == 2 && record.marks.count == 2
            }
            #expect(ground.store.value.deadLetters.map(\.channel) == ["rate.a", "rate.c"])
            #expect(Set(ground.store.value.marks.keys) == ["rate.a", "rate.c"])
            try await eventually("the loss is counted") { await ground.fanIn.tally.lostDeadLetters == 1 }
        }
    }

    // MARK: - The audit trail

    @Test func anAuditRecordThatCannotBeKeptHoldsUpNoOther() async throws {
        let store = SharedAccessStore()
        store.refuse { $0.actor == "unfit" }
        try await withHub(access: AccessStores(audit: store)) { hub in
            for user in ["a", "unfit", "c"] {
                let client = try await hub.connect(token: "\(user) publish:*")
                try await client.send(#"{"op":"publish","id":1,"events":[{"type":"note","key":"k","data":{}}]}"#)
                try await client.answer(1, op: "published")
            }
            await hub.hub.audit.flush()
            #expect(Set(store.value.records.map(\.actor)) == ["a", "c"])
            #expect(hub.hub.audit.waiting == 0)
        }
    }
}
