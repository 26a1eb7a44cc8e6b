// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import JSON
import TestSupport
import Testing

/// What a follower of contract logs makes of pages, of bad logs, of crashes and of other networks.
@Suite struct MirrorPageTests {
    private static func levels(_ events: [SourceEvent]) -> [String] {
        events.compactMap { event in
            guard event.type == "chainEvent", let data = try? JSON.Value.parse(event.data) else { return nil }
            let level = data["undoes"] == nil ? data["level"]?.string ?? "" : "undo"
            return "\(data["args"]?["amount"]?.string ?? "") \(level)"
        }
    }

    private static func start(
        endpoints: Int = 1,
        _ change: (inout Mirror) -> Void = { _ in }
    ) throws -> (SimulatedMirror, Mirroring) {
        let node = try SimulatedMirror(endpoints: endpoints)
        var mirror = try Mirroring.mirror()
        change(&mirror)
        return (node, Mirroring(node, mirror))
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
        let all = (0...5).map { "\($0) confirmed" }
        #expect(Self.levels(mirroring.takeEvents()) == all)
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
            guard case .again = await mirroring.fault() else { throw Following.Stuck(why: "it was not refused") }
        }
        #expect(mirroring.takeEvents().isEmpty)
    }

    /// Each link is another one, and leads to the same page again, or to nothing ever.
    @Test(arguments: [false, true])
    func linksThatGoInCirclesAreRefused(_ isEmpty: Bool) async throws {
        let (node, mirroring) = try Self.start()
        for second in 1...3 { node.add(Double(second), amount: second) }
        node.advance(to: 10)
        let count = Watched(0)
        node.change { state in
            state.interception = { path, answer in
                guard path.contains("/logs") else { return nil }
                let number = count.change { count in
                    count += 1
                    return count
                }
                let time = "1700000000.\(number)"
                let next = "\"next\":\"/api/v1/contracts/0.0.5/results/logs?order=asc&timestamp=gte:\(time)\""
                if isEmpty, path.contains("gte:1700000000.1") { return "{\"logs\":[],\"links\":{\(next)}}" }
                return answer.replacing("\"next\":null", with: next)
            }
        }
        guard case .again = await mirroring.fault() else { throw Following.Stuck(why: "it was not refused") }
        #expect(mirroring.takeEvents().isEmpty)
        #expect(count.value == 2)
    }

    @Test func logsOfOthersAreRefused() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1)
        node.change { $0.rows[0].contract = EntityID(number: 6) }
        node.advance(to: 10)
        guard case .again = await mirroring.fault() else { throw Following.Stuck(why: "it was not refused") }
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
        let all = (0..<1350).map { "\($0) final" }
        #expect(Self.levels(mirroring.takeEvents()) == all)
        #expect(mirroring.sink.state.value.commits > 4)
    }

    @Test func nothingIsCommittedWhenNothingHappens() async throws {
        let (node, mirroring) = try Self.start()
        node.advance(to: 200)
        try await mirroring.catchUp()
        let commits = mirroring.sink.state.value.commits
        for second in 1...50 {
            node.advance(to: 200 + Double(second))
            try await mirroring.catchUp()
        }
        #expect(mirroring.sink.state.value.commits == commits)
    }

    /// Beyond the number of remembered keys the oldest logs are not read again, so they are not published twice.
    @Test func whatIsRememberedIsBounded() async throws {
        let (node, mirroring) = try Self.start { $0.remembered = 600 }
        for number in 0..<1_300 { node.add(Double(number) / 10, amount: number) }
        node.advance(to: 1_000)
        try await mirroring.catchUp()
        #expect(mirroring.remembered("/k/").count <= 3)
        for seconds in [5_000.0, 100_000, 200_000] {
            node.advance(to: seconds)
            try await mirroring.catchUp()
        }
        let all = (0..<1_300).map { "\($0) final" }
        #expect(Self.levels(mirroring.takeEvents()) == all)
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
        let deadLetters = mirroring.sink.state.value.deadLetters
        #expect(deadLetters.count == 1)
        #expect(deadLetters.first?.reason.contains("2 bytes of data") == true)
        #expect(deadLetters.first?.channel == "chain:test")
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
        mirroring.sink.state.change { $0.crashAt = (commit, crash) }
        for seconds in [30.0, 90, 130, 200, 5_000, 100_000] {
            if seconds == 5_000 { node.setHidden(30, false) }
            node.advance(to: seconds)
            try await mirroring.catchUp()
        }
        #expect(mirroring.crashes == 1)
        #expect(mirroring.told.differences(from: truth) == [])
    }

    /// It is reported in the status, and followed once the mirror knows it.
    @Test func unknownContractIsAskedForAgain() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.advance(to: 10)
        node.change { state in state.interception = { path, _ in path.contains("/logs") ? "404" : nil } }
        #expect(try await mirroring.follower.step() == .idle)
        let status = await mirroring.follower.status
        #expect(status.unknown["contract 0.0.5"]?.contains("No contract with the given evm address") == true)
        #expect(status.lost == [])
        #expect(node.endpoints.reports.first?.trouble == "lacking")
        node.change { $0.interception = nil }
        try await mirroring.catchUp()
        #expect(Self.levels(mirroring.takeEvents()) == ["10 confirmed"])
        #expect(node.endpoints.reports.first?.trouble == nil)
    }

    @Test func anotherNetworkStops() async throws {
        let (node, mirroring) = try Self.start(endpoints: 2)
        node.add(1)
        node.advance(to: 100)
        try await mirroring.catchUp()
        _ = mirroring.takeEvents()
        node.change { $0.network = 2 }
        node.moveToAnotherEndpoint()
        node.add(150)
        node.advance(to: 200)
        guard case .elsewhere = await mirroring.fault() else { throw Following.Stuck(why: "no failover") }
        guard case .stopped(let why) = await mirroring.fault() else { throw Following.Stuck(why: "it is not halted") }
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
        guard case .stopped(let why) = await changed.fault() else { throw Following.Stuck(why: "it is not halted") }
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
