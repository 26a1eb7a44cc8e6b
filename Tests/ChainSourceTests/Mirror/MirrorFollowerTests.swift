// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import JSON
import TestSupport
import Testing

/// The failure cases of a follower of contract logs, one by one.
@Suite struct MirrorFollowerTests {
    private static func levels(_ events: [SourceEvent]) -> [String] {
        events.compactMap { event in
            guard event.type == "chainEvent", let data = try? JSON.Value.parse(event.data) else { return nil }
            let level = data["undoes"] == nil ? data["level"]?.string ?? "" : "undo"
            return "\(data["args"]?["amount"]?.string ?? "") \(level)"
        }
    }

    private static func start(_ change: (inout Mirror) -> Void = { _ in }) throws -> (SimulatedMirror, Mirroring) {
        let node = try SimulatedMirror()
        var mirror = try Mirroring.mirror()
        change(&mirror)
        return (node, Mirroring(node, mirror))
    }

    // MARK: Levels

    @Test func logsAreConfirmedAndThenFinal() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.add(9, amount: 11)
        node.advance(to: 10)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed", "11 confirmed"])
        node.advance(to: 65)
        mirroring.restart()
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 final"])
        node.advance(to: 70)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["11 final"])
        // A log that is already final when it is first read is published once.
        node.add(75, amount: 12)
        node.advance(to: 200)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["12 final"])
    }

    @Test func onlyWantedLevelsAreTold() async throws {
        let (node, mirroring) = try Self.start { $0.levels = [.final] }
        node.add(1, amount: 10)
        node.advance(to: 10)
        try await mirroring.catchUp()
        #expect(mirroring.takeEvents().isEmpty)
        node.advance(to: 70)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 final"])
    }

    @Test func eventsSayWhatHappened() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, index: 3, amount: 10)
        node.advance(to: 100)
        try await mirroring.catchUp()
        let event = try #require(mirroring.takeEvents().first)
        #expect(event.key == "0.0.5")
        #expect(event.id == "0.0.5:1700000001.000000000:3:final")
        let data = try JSON.Value.parse(event.data)
        #expect(data["contract"]?.string == "0.0.5")
        #expect(data["consensusTimestamp"]?.string == "1700000001.000000000")
        #expect(data["blockHash"]?.string?.utf8.count == 98)
        let errors = try #require(EventTypes()["chainEvent"]).fields.compactMap { $0.validationError(of: data) }
        #expect(errors.isEmpty)
    }

    // MARK: Late and partial

    @Test func lateLogsAboveTheFloorAreTold() async throws {
        let (node, mirroring) = try Self.start()
        node.add(30, amount: 10, isHidden: true)
        node.add(31, amount: 11)
        node.advance(to: 60)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["11 confirmed"])
        node.setHidden(30, false)
        node.advance(to: 80)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed"])
        node.advance(to: 200)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 final", "11 final"])
    }

    /// The mirror forgot them, and remembers after some minutes, or some hours.
    @Test(arguments: [3_900.0, 90_000.0])
    func secondPassesFindWhatCameLater(_ when: Double) async throws {
        let (node, mirroring) = try Self.start()
        node.add(30, amount: 10, isHidden: true)
        node.add(31, amount: 11)
        var told: [String] = []
        for seconds in stride(from: 60, through: when + 700, by: 300) {
            if seconds > when - 3_000 { node.setHidden(30, false) }
            node.advance(to: seconds)
            mirroring.restart()
            try await mirroring.catchUp()
            told += Self.levels(mirroring.takeEvents())
        }
        #expect(told == ["11 confirmed", "11 final", "10 final"])
        #expect(mirroring.sink.state.value.deadLetters.isEmpty)
        // Then it is forgotten.
        node.advance(to: 200_000)
        try await mirroring.catchUp()
        node.advance(to: 300_000)
        try await mirroring.catchUp()
        #expect(mirroring.remembered("/k/").isEmpty)
        #expect(mirroring.remembered("/h/").isEmpty)
    }

    /// After it was down for days everything is read twice more, counted from when it was read.
    @Test func whatWasReadLateIsReadAgainLater() async throws {
        let (node, mirroring) = try Self.start()
        node.add(30, amount: 10, isHidden: true)
        node.add(31, amount: 11)
        node.advance(to: 500_000)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["11 final"])
        node.setHidden(30, false)
        node.advance(to: 503_000)
        try await mirroring.catchUp()
        #expect(mirroring.takeEvents().isEmpty)
        node.advance(to: 503_700)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 final"])
    }

    @Test func incompleteRowDropsTheWholeAnswer() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.add(2, amount: 11)
        node.advance(to: 10)
        node.change { $0.interception = { path, answer in answer.replacing("\"index\":0", with: "\"index\":null") } }
        for _ in 0..<3 { #expect(await mirroring.fault() != nil) }
        #expect(mirroring.takeEvents().isEmpty)
        #expect(node.endpoints.reports.first?.failures == ["failing": 3])
        node.change { $0.interception = nil }
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed", "11 confirmed"])
    }

    /// A log that was there and is not any more holds the floor for a while; then, when it has not come back, it was
    /// none.
    @Test func ghostsAreUndone() async throws {
        let (node, mirroring) = try Self.start()
        node.add(10, amount: 10)
        node.add(20, amount: 11)
        node.advance(to: 30)
        try await mirroring.catchUp()
        node.setHidden(10, true)
        node.advance(to: 100)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed", "11 confirmed"])
        node.advance(to: 140)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["11 final"])
        node.advance(to: 5_000)
        try await mirroring.catchUp()
        #expect(mirroring.takeEvents().isEmpty)
        mirroring.restart()
        node.advance(to: 100_000)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 undo"])
        node.advance(to: 300_000)
        try await mirroring.catchUp()
        #expect(mirroring.takeEvents().isEmpty)
    }

    @Test func ghostThatComesBackIsFinal() async throws {
        let (node, mirroring) = try Self.start()
        node.add(10, amount: 10)
        node.advance(to: 30)
        try await mirroring.catchUp()
        node.setHidden(10, true)
        node.advance(to: 140)
        try await mirroring.catchUp()
        node.setHidden(10, false)
        node.advance(to: 5_000)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed", "10 final"])
    }

    /// What a log said at first was not so.
    @Test func correctedLogsAreToldAnew() async throws {
        let (node, mirroring) = try Self.start()
        node.add(10, amount: 10)
        node.advance(to: 30)
        try await mirroring.catchUp()
        node.change { $0.rows[0].amount = 12 }
        node.advance(to: 100)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed", "10 undo", "12 final"])
    }

    /// An answer that lacks what was there before is known to be incomplete.
    @Test func incompletePassIsReadAgain() async throws {
        let (node, mirroring) = try Self.start()
        node.add(10, amount: 10)
        node.add(11, amount: 11, isHidden: true)
        node.advance(to: 100)
        try await mirroring.catchUp()
        _ = mirroring.takeEvents()
        node.setHidden(10, true)
        node.advance(to: 4_500)
        for _ in 0..<3 { #expect(await mirroring.fault() != nil) }
        node.setHidden(10, false)
        node.setHidden(11, false)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["11 final"])
        // It does not wait for ever for what does not come back.
        node.setHidden(10, true)
        node.advance(to: 100_000)
        try await mirroring.catchUp(attempts: 50)
        #expect(mirroring.takeEvents().isEmpty)
    }

    /// Old balances do not replace new ones.
    @Test func secondPassesTellNoBalances() async throws {
        let node = try SimulatedMirror()
        var mirror = try Mirroring.mirror()
        let signature = try EventSignature(SimulatedMirror.event)
        mirror.contracts = [
            .id(SimulatedMirror.contract): [
                Chain.WantedEvent(
                    signature: signature,
                    moves: [
                        TransferRule(kind: .transaction, owner: "holder", amount: "amount", decimals: 1),
                        TransferRule(kind: .balance, owner: "holder", amount: "amount"),
                    ]
                )
            ]
        ]
        let holder = try #require(EntityID(number: 1).longZero)
        let mirroring = Mirroring(node, mirror, users: [holder: "u_1"])
        node.add(1, amount: 10, isHidden: true)
        node.add(2, amount: 11)
        node.advance(to: 10)
        try await mirroring.catchUp()
        func told() -> [String] {
            mirroring.takeEvents().filter { $0.type != "chainEvent" }.map { event in
                let data = try? JSON.Value.parse(event.data)
                let rest = data?["status"]?.string ?? data?["balance"]?.string ?? ""
                return "\(event.type) \(data?["amount"]?.string ?? "") \(rest)"
            }
        }
        #expect(told() == ["transactionUpdate 1.1 confirmed"])
        node.advance(to: 100)
        try await mirroring.catchUp()
        #expect(told() == ["transactionUpdate 1.1 completed", "balanceUpdate  11"])
        node.setHidden(1, false)
        node.advance(to: 5_000)
        try await mirroring.catchUp()
        #expect(told() == ["transactionUpdate 1 completed"])
        #expect(mirror.eventTypes == ["balanceUpdate", "chainEvent", "transactionUpdate"])
    }
}
