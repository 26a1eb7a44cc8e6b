// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// From an outside publisher to a subscriber.
@Suite(.timeLimit(.minutes(1))) struct FanInTests {
    struct Ground: Sendable {
        var hub: TestHub
        var source: ScriptedFanInSource
        var store: RecordingFanInStore
        var gaps: Watched<[SourceGap]>
        var fanIn: FanIn
    }

    static func withFanIn(
        _ configure: (inout HubConfiguration) -> Void = { _ in },
        tape: any Tape = MemoryTape(),
        store: RecordingFanInStore = RecordingFanInStore(),
        source: ScriptedFanInSource = ScriptedFanInSource(),
        isFirst: Bool = true,
        _ body: (Ground) async throws -> Void
    ) async throws {
        var configuration = HubConfiguration.forTests
        configuration.fanIn.keeping = .milliseconds(5)
        configuration.fanIn.retry = .milliseconds(1) ... .milliseconds(5)
        configure(&configuration)
        let gaps = Watched<[SourceGap]>([])
        let ports = FanInPorts(source: source, store: store, onGap: { gap in gaps.change { $0.append(gap) } })
        try await withHub(configuration, tape: tape, fanIn: ports) { hub in
            let fanIn = try #require(hub.hub.fanIn)
            if isFirst { try await source.wait(forListeners: 1) }
            try await body(Ground(hub: hub, source: source, store: store, gaps: gaps, fanIn: fanIn))
        }
    }

    static func note(
        _ key: String,
        seq: Int? = nil,
        source: String? = nil,
        id: String? = nil,
        n: Int = 0
    ) -> String {
        var members = [#""type":"note","key":"\#(key)","data":{"n":\#(n)}"#]
        if let seq { members.append(#""sourceSeq":\#(seq)"#) }
        if let source { members.append(#""source":"\#(source)""#) }
        if let id { members.append(#""id":"\#(id)""#) }
        return "{" + members.joined(separator: ",") + "}"
    }

    @Test func messagesReachSubscribersInOrder() async throws {
        try await Self.withFanIn { ground in
            let client = try await ground.hub.connect()
            try await client.subscribe("note:k")
            for seq in 1...100 { ground.source.send("rate.x", Self.note("k", seq: seq, n: seq)) }
            ground.source.send("rate.x", "[" + (101...150).map { Self.note("k", n: $0) }.joined(separator: ",") + "]")
            #expect(try await client.events(on: "note:k", through: 150) == Array(1...150))
            let numbers = client.messages("event").compactMap { $0["data"]?["n"]?.integer(in: .seq) }
            #expect(numbers == Array(1...150))
            try await eventually("all is counted") { await ground.fanIn.tally.events == 150 }
            let tally = await ground.fanIn.tally
            #expect(tally.messages == 101)
            #expect(
                [tally.malformed, tally.gaps, tally.duplicates, tally.conflicts, tally.retries] == [0, 0, 0, 0, 0]
            )
            #expect(tally.isLeading)
        }
    }

    @Test func whatComesDuringAnAppendIsAppendedTogether() async throws {
        try await Self.withFanIn { ground in
            ground.hub.tape.appends.close()
            ground.source.send("rate.x", Self.note("k", seq: 1))
            try await ground.hub.tape.appends.waitForArrivals(1)
            for seq in 2...500 { ground.source.send("rate.x", Self.note("k", seq: seq)) }
            try await ground.source.wait(forReceived: 500)
            ground.hub.tape.appends.open()
            try await eventually("all is committed") { await ground.fanIn.tally.events == 500 }
            #expect(ground.hub.tape.log.batches == [1, 499])
        }
    }

    @Test func gapsAndDuplicatesAreFoundPerSource() async throws {
        try await Self.withFanIn { ground in
            ground.store.put([SourceMark(source: "never", seq: 1, heard: .now)])
            for (source, seq) in [("a", 5), ("b", 1), ("a", 6), ("a", 9), ("b", 2), ("a", 6), ("b", 4)] {
                ground.source.send("chain.x", Self.note("k", seq: seq, source: source, n: seq))
            }
            try await ground.gaps.wait(for: "two gaps") { $0.count == 2 }
            #expect(
                ground.gaps.value == [
                    SourceGap(source: "a", missing: 7...8), SourceGap(source: "b", missing: 3...3),
                ]
            )
            let tally = await ground.fanIn.tally
            #expect([tally.gaps, tally.missing, tally.duplicates, tally.events] == [2, 3, 1, 7])
            try await ground.store.wait(for: "the marks") { $0.marks["a"]?.seq == 9 && $0.marks["b"]?.seq == 4 }
            #expect(ground.store.value.marks["a"]?.types == ["note"])
        }
    }

    @Test func malformedMessagesAreSetAsideAndDisturbNothing() async throws {
        try await Self.withFanIn { ground in
            let client = try await ground.hub.connect()
            try await client.subscribe("note:k")
            ground.source.send("rate.x", Self.note("k", seq: 1, n: 1))
            ground.source.send("rate.x", "{not json")
            ground.source.send("rate.x", #"{"type":"note","sourceSeq":2,"data":{}}"#)
            ground.source.send("rate.x", Self.note("k", seq: 3, n: 3))
            try await ground.store.wait(for: "two letters") { $0.deadLetters.count == 2 }
            #expect(try await client.events(on: "note:k", through: 2) == [1, 2])
            #expect(
                ground.store.value.deadLetters.map { String(decoding: $0.payload, as: UTF8.self) }.first == "{not json"
            )
            #expect(ground.store.value.deadLetters.allSatisfy { $0.channel == "rate.x" && !$0.reason.isEmpty })
            let tally = await ground.fanIn.tally
            // The malformed one has its number, and is no gap.
            #expect([tally.malformed, tally.gaps, tally.events] == [2, 0, 2])
            try await eventually("the letters are counted") { await ground.fanIn.tally.deadLetters == 2 }
        }
    }

    @Test func otherContentUnderATakenIdIsSetAside() async throws {
        try await Self.withFanIn { ground in
            ground.source.send("rate.x", Self.note("k", id: "i", n: 1))
            ground.source.send("rate.x", Self.note("k", id: "i", n: 2))
            ground.source.send("rate.x", Self.note("k", id: "i", n: 1))
            ground.source.send("rate.x", Self.note("k", id: "j", n: 3))
            try await ground.store.wait(for: "a letter") { $0.deadLetters.count == 1 }
            try await eventually("all is settled") { await ground.fanIn.tally.events == 3 }
            #expect(await ground.fanIn.tally.conflicts == 1)
            #expect(try await ground.hub.hub.tape.extents(of: [Self.channel])[Self.channel]?.head == 2)
        }
    }

    static let channel = ChannelName(type: "note", key: "k")

    // MARK: - Outages

    @Test func failedBatchIsTriedAgainUnderTheSameIds() async throws {
        try await Self.withFanIn { ground in
            let client = try await ground.hub.connect()
            try await client.subscribe("note:k")
            ground.hub.tape.fail(
                .append,
                .before(.unavailable("x")),
                .after(.outcomeUnknown("x")),
                .before(.unavailable("x"))
            )
            for n in 1...20 { ground.source.send("rate.x", Self.note("k", n: n)) }
            #expect(try await client.events(on: "note:k", through: 20) == Array(1...20))
            #expect(client.messages("event").compactMap { $0["data"]?["n"]?.integer(in: .seq) } == Array(1...20))
            try await eventually("all is settled") { await ground.fanIn.tally.events == 20 }
            #expect(await ground.fanIn.tally.retries == 3)
            #expect(try await ground.hub.hub.tape.extents(of: [Self.channel])[Self.channel]?.head == 20)
        }
    }

    @Test func sourceIsHeldBackWhileNothingCanBeCommitted() async throws {
        try await Self.withFanIn {
            $0.fanIn.gatheredBytes = 5_000
        } _: { ground in
            ground.hub.tape.appends.close()
            for seq in 1...100 { ground.source.send("rate.x", Self.note("k", seq: seq)) }
            try await ground.hub.tape.appends.waitForArrivals(1)
            try await eventually("the source is held back") {
                let before = ground.source.received
                for _ in 0..<200 { await Task.yield() }
                return before > 1 && ground.source.received == before
            }
            #expect(ground.source.received < 20)
            ground.hub.tape.appends.open()
            try await eventually("all is committed") { await ground.fanIn.tally.events == 100 }
            #expect(await ground.fanIn.tally.gaps == 0)
        }
    }

    @Test func messageThatTheTapeCannotTakeIsSetAsideAndTheOthersAreNot() async throws {
        try await Self.withFanIn(tape: PickyTape()) { ground in
            ground.hub.tape.appends.close()
            for seq in 1...9 { ground.source.send("rate.x", Self.note(seq == 5 ? "bad" : "k", seq: seq)) }
            try await ground.source.wait(forReceived: 9)
            ground.hub.tape.appends.open()
            try await ground.store.wait(for: "a letter") { $0.deadLetters.count == 1 }
            try await eventually("the others are committed") { await ground.fanIn.tally.events == 8 }
            #expect(await ground.fanIn.tally.gaps == 0)
        }
    }

    @Test func lettersWaitForTheTape() async throws {
        try await Self.withFanIn {
            $0.fanIn.deadLetters = 3
        } _: { ground in
            ground.store.fail(.unavailable("away"))
            for n in 1...5 { ground.source.send("rate.x", "bad \(n)") }
            try await eventually("they are read") { await ground.fanIn.tally.malformed == 5 }
            try await eventually("two are lost") { await ground.fanIn.tally.lostDeadLetters == 2 }
            #expect(ground.store.value.deadLetters.isEmpty)
            ground.store.fail(nil)
            try await ground.store.wait(for: "the letters") { $0.deadLetters.count == 3 }
            let payloads = ground.store.value.deadLetters.map { String(decoding: $0.payload, as: UTF8.self) }
            #expect(payloads == ["bad 3", "bad 4", "bad 5"])
        }
    }

    /// Random failures of every kind: each event is stored once, in order.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func nothingIsLostOrDoubledWhateverFails(seed: UInt64) async throws {
        var dice = SplitMix(seed: seed)
        try await Self.withFanIn {
            $0.fanIn.batchMessages = 7
        } _: { ground in
            let client = try await ground.hub.connect()
            try await client.subscribe("note:k")
            let faults: [GatedTape.Failure] = [
                .before(.unavailable("x")), .after(.outcomeUnknown("x")), .before(.outcomeUnknown("x")),
            ]
            for n in 1...150 {
                if Int.random(in: 0..<5, using: &dice) == 0 {
                    ground.hub.tape.fail(.append, faults.randomElement(using: &dice) ?? faults[0])
                }
                ground.source.send("rate.x", Self.note("k", seq: Bool.random(using: &dice) ? n : nil, n: n))
                if Int.random(in: 0..<10, using: &dice) == 0 { try await ground.hub.settle() }
            }
            try await eventually("all is settled") { await ground.fanIn.tally.events >= 150 }
            let page = try await ground.hub.hub.tape.page(
                of: Self.channel,
                after: 0,
                limit: PageLimit(entries: 1_000, bytes: 1 << 20)
            )
            #expect(page.entries.map { String(decoding: $0.data, as: UTF8.self) } == (1...150).map { #"{"n":\#($0)}"# })
            await ground.hub.hub.refreshDoubted()
            #expect(try await client.events(on: "note:k", through: 150) == Array(1...150))
        }
    }
}

/// Cannot take events with one key, and says that it is damaged.
private struct PickyTape: Tape {
    private let base = MemoryTape()

    var epoch: String { self.base.epoch }
    var isShared: Bool { false }

    func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        guard !requests.joined().contains(where: { $0.keys == ["bad"] }) else { throw .damaged("bad") }
        return try await self.base.append(requests)
    }

    func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
        try await self.base.extents(of: channels)
    }

    func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
        try await self.base.page(of: channel, after: seq, limit: limit)
    }

    func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
        try await self.base.latest(of: channels)
    }

    func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) async throws(TapeFault) -> [ChannelListing] {
        try await self.base.channels(withPrefix: prefix, after: name, limit: limit)
    }

    func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        try await self.base.prune(type: type, acceptedBefore: time, limit: limit)
    }

    func close() async {
        await self.base.close()
    }
}
