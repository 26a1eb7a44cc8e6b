// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Hub
import HubTestSupport
import JSON
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
        // What is old when it is first read is told of once.
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
        #expect(EventTypes()["chainEvent"]?.fields.compactMap { $0.complaint(about: data) } == [])
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
            if seconds > when - 3_600 { node.setHidden(30, false) }
            node.advance(to: seconds)
            mirroring.restart()
            try await mirroring.catchUp()
            told += Self.levels(mirroring.takeEvents())
        }
        #expect(told == ["11 confirmed", "11 final", "10 final"])
        #expect(mirroring.sink.state.value.letters.isEmpty)
        // Then it is forgotten.
        node.advance(to: 200_000)
        try await mirroring.catchUp()
        node.advance(to: 300_000)
        try await mirroring.catchUp()
        #expect(!mirroring.sink.state.value.entries.keys.contains { $0.contains("/k/") || $0.contains("/h/") })
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
        #expect(node.change { $0.disappointments } == 3)
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
                        Move(kind: .transaction, owner: "holder", amount: "amount", decimals: 1),
                        Move(kind: .balance, owner: "holder", amount: "amount"),
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

    // MARK: Pages

    @Test func linksAreFollowedAsTheyStand() async throws {
        let (node, mirroring) = try Self.start()
        node.change { $0.pageRows = 3 }
        // A page that ends within a transaction, and a last one that is empty.
        for index in 0..<5 { node.add(1, index: index, amount: index) }
        node.add(2, amount: 5)
        node.advance(to: 10)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == (0...5).map { "\($0) confirmed" })
        let paths = node.takePaths().filter { $0.contains("/logs") }
        #expect(paths.count == 3)
        #expect(paths[0].contains("order=asc") && paths[0].contains("timestamp=gte:1700000000.000000000"))
        #expect(paths[1].hasSuffix("timestamp=gte:1700000001.000000000&index=gt:2"))
    }

    @Test(arguments: [
        #""next":"/api/v1/contracts/0.0.5/results/logs?limit=100&order=asc&timestamp=gte:1700000000.000000000""#,
        #""next":"https://elsewhere/api/v1/contracts/0.0.5/results/logs?timestamp=gte:1700000009.0""#,
        #""next":7"#, #""none":0"#,
    ])
    func linksThatLeadNowhereAreRefused(_ link: String) async throws {
        let (node, mirroring) = try Self.start()
        for second in 1...3 { node.add(Double(second), amount: second) }
        node.advance(to: 10)
        node.change { state in
            state.interception = { path, answer in
                path.contains("/logs") ? answer.replacing("\"next\":null", with: link) : nil
            }
        }
        for _ in 0..<3 {
            guard case .again = await mirroring.fault() else { return #expect(Bool(false), "it was not refused") }
        }
        #expect(mirroring.takeEvents().isEmpty)
    }

    @Test func logsOfOthersAreRefused() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1)
        node.change { $0.rows[0].contract = EntityID(number: 6) }
        node.advance(to: 10)
        guard case .again = await mirroring.fault() else { return #expect(Bool(false), "it was not refused") }
        #expect(mirroring.takeEvents().isEmpty)
    }

    /// A catch-up takes parts that end where a transaction does, each one commit.
    @Test func longReadingsAreCut() async throws {
        let (node, mirroring) = try Self.start()
        node.change { $0.pageRows = 10 }
        for number in 0..<300 {
            for index in 0..<3 { node.add(Double(number), index: index, amount: number * 3 + index) }
        }
        // More at one time than one reading has otherwise.
        for index in 0..<450 { node.add(500, index: index, amount: 900 + index) }
        node.advance(to: 2_000)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == (0..<1350).map { "\($0) final" })
        #expect(mirroring.sink.state.value.commits > 4)
    }

    @Test func nothingIsCommittedWhenNothingHappens() async throws {
        let (node, mirroring) = try Self.start()
        node.advance(to: 100)
        try await mirroring.catchUp()
        let commits = mirroring.sink.state.value.commits
        for second in 1...50 {
            node.advance(to: 100 + Double(second))
            try await mirroring.catchUp()
        }
        #expect(mirroring.sink.state.value.commits == commits)
    }

    /// Beyond what is remembered the oldest is not read again, so it is not told of twice either.
    @Test func whatIsRememberedIsBounded() async throws {
        let (node, mirroring) = try Self.start { $0.remembered = 1_000 }
        for number in 0..<2_500 { node.add(Double(number) / 10, amount: number) }
        node.advance(to: 1_000)
        try await mirroring.catchUp()
        let bytes = mirroring.sink.state.value.entries.filter { $0.key.contains("/k/") }.map(\.value.count)
        #expect(bytes.count <= 3)
        for seconds in [5_000.0, 100_000, 200_000] {
            node.advance(to: seconds)
            try await mirroring.catchUp()
        }
        #expect(Self.levels(mirroring.takeEvents()) == (0..<2_500).map { "\($0) final" })
    }

    // MARK: Bad logs

    @Test func undecodableLogsBecomeLettersOnce() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.add(2, amount: 11)
        node.change { $0.rows[0].data = "0x0102" }
        // Of no event that is wanted, and of none at all.
        node.add(3)
        node.change { $0.rows[2].topics = ["0x" + String(repeating: "ee", count: 32)] }
        node.add(4)
        node.change { $0.rows[3].topics = [] }
        for seconds in [10.0, 100, 5_000, 100_000, 200_000] {
            node.advance(to: seconds)
            try await mirroring.catchUp()
        }
        #expect(Self.levels(mirroring.takeEvents()) == ["11 confirmed", "11 final"])
        let letters = mirroring.sink.state.value.letters
        #expect(letters.count == 1)
        #expect(letters.first?.reason.contains("2 bytes of data") == true)
        #expect(letters.first?.channel == "chain:test")
    }

    // MARK: Crashes and networks

    @Test(arguments: RecordingSink.Crash.allCases, 0..<8)
    func killedAtEachCommit(_ crash: RecordingSink.Crash, _ commit: Int) async throws {
        let (node, mirroring) = try Self.start()
        var truth: [(key: String, amount: String)] = []
        for number in 1...6 {
            let seconds = Double(number * 10)
            node.add(seconds, amount: number, isHidden: number == 3)
            truth.append(("\(SimulatedMirror.time(seconds)) 0", "\(number)"))
        }
        var hasCrashed = false
        for seconds in [30.0, 90, 130, 200, 5_000, 100_000] {
            if seconds == 5_000 { node.setHidden(30, false) }
            node.advance(to: seconds)
            while true {
                if !hasCrashed, mirroring.sink.state.value.commits == commit {
                    mirroring.sink.state.change { $0.nextCrash = crash }
                }
                let crashes = mirroring.crashes
                let isDone = try await mirroring.step()
                if mirroring.crashes > crashes { hasCrashed = true }
                if isDone { break }
            }
        }
        #expect(hasCrashed)
        #expect(mirroring.told.differences(from: truth) == [])
    }

    @Test func unknownContractStops() async throws {
        let (node, mirroring) = try Self.start()
        node.change { state in state.interception = { path, _ in path.contains("/logs") ? "404" : nil } }
        guard case .stopped(let why) = await mirroring.fault() else { return #expect(Bool(false), "it goes on") }
        #expect(why.contains("No contract with the given evm address"))
    }

    @Test func anotherNetworkStops() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1)
        node.advance(to: 100)
        try await mirroring.catchUp()
        _ = mirroring.takeEvents()
        node.change {
            $0.network = 2
            $0.endpoint = 1
        }
        node.add(150)
        node.advance(to: 200)
        guard case .stopped(let why) = await mirroring.fault() else { return #expect(Bool(false), "it goes on") }
        #expect(why.contains("another network"))
        #expect(mirroring.takeEvents().isEmpty)
    }

    @Test func changedEventsStop() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1)
        node.advance(to: 100)
        try await mirroring.catchUp()
        var other = mirroring.mirror
        let signature = try EventSignature("Other(uint256 amount)")
        other.contracts[.id(SimulatedMirror.contract)]?.append(Chain.WantedEvent(signature: signature))
        let changed = Mirroring(node, other, mirroring.sink)
        guard case .stopped(let why) = await changed.fault() else { return #expect(Bool(false), "it goes on") }
        #expect(why.contains("have changed"))
    }

    /// One contract that cannot be read keeps no other from its turn.
    @Test func othersHaveTheirTurn() async throws {
        let (node, mirroring) = try Self.start { mirror in
            mirror.contracts[.id(EntityID(number: 4))] = mirror.contracts[.id(SimulatedMirror.contract)]
        }
        node.add(1, amount: 10)
        node.advance(to: 10)
        node.change { state in
            state.interception = { path, _ throws(NodeFault) in
                if path.contains("/0.0.4/") { throw .again("no") }
                return nil
            }
        }
        #expect(await mirroring.fault() == .again("no"))
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed"])
    }

    @Test func mirrorThatIsBehindChangesNothing() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.add(50, amount: 11)
        node.advance(to: 100)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 final", "11 confirmed"])
        node.advance(to: 20)
        try await mirroring.catchUp()
        #expect(mirroring.takeEvents().isEmpty)
        node.advance(to: 115)
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["11 final"])
    }
}
