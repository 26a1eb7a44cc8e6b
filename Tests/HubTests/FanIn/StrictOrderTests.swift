// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

/// Sources whose messages are worth something in order only.
@Suite(.timeLimit(.minutes(1))) struct StrictOrderTests {
    private static func number(_ seq: Int, isStrict: Bool = true, isFirst: Bool = false) -> [SourceNumber] {
        [SourceNumber(source: "s", seq: seq, types: [], isStrict: isStrict, isFirst: isFirst)]
    }

    private static func at(_ milliseconds: Int) -> Timestamp {
        Timestamp(nanoseconds: Int64(milliseconds) * 1_000_000)
    }

    @Test func whatComesTooEarlyIsLeft() {
        var order = SourceOrder()
        func received(_ seq: Int, at time: Int, isStrict: Bool = true, isFirst: Bool = false) -> SourceOrder.OnMessage {
            order.received(Self.number(seq, isStrict: isStrict, isFirst: isFirst), at: Self.at(time)) { _ in 3 }
        }
        // What was had before is for dedupe.
        #expect(received(2, at: 0) == .take)
        #expect(received(4, at: 0) == .take)
        #expect(received(6, at: 0) == .leave(ask: ("s", 4)))
        // Asked once for the same, until it may have been lost.
        #expect(received(7, at: 10) == .leave(ask: nil))
        #expect(received(8, at: 600) == .leave(ask: ("s", 4)))
        #expect(received(5, at: 610) == .take)
        #expect(received(6, at: 620) == .take)
        #expect(received(9, at: 620) == .leave(ask: ("s", 6)))
        #expect(received(40, at: 630, isFirst: true) == .take)
        #expect(received(41, at: 640) == .take)
        #expect(received(99, at: 640, isStrict: false) == .take)
    }

    @Test func newSourceIsAskedForFromTheBeginning() {
        var order = SourceOrder()
        let onMessage = order.received(Self.number(9), at: Self.at(0)) { _ in nil }
        #expect(onMessage == .leave(ask: ("s", 0)))
        let first = order.received(Self.number(1), at: Self.at(1)) { _ in nil }
        #expect(first == .take)
    }

    /// Every third message is lost the first time and sent again on request. All messages are stored, in order.
    @Test func lostMessagesAreHadAgainInOrder() async throws {
        let source = ScriptedFanInSource()
        let requests = Watched<[FanInRequest]>([])
        let ports = FanInPorts(
            source: source,
            store: RecordingFanInStore(),
            ask: { request in
                requests.change { $0.append(request) }
            }
        )
        try await withHub(HubConfiguration.forTests, tape: MemoryTape(), fanIn: ports) { hub in
            try await source.wait(forListeners: 1)
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            func send(_ seq: Int) {
                let message =
                    #"{"type":"note","key":"k","source":"s","sourceSeq":\#(seq),"sourceOrder":"strict","data":{"n":\#(seq)}}"#
                source.send("chain.x", message)
            }
            for seq in 1...30 where seq % 3 != 0 { send(seq) }
            // One request at first; then the publisher goes back, as often as it takes.
            try await requests.wait(for: "a request") { $0.count == 1 }
            #expect(requests.value == [FanInRequest(channel: "chain.x", source: "s", after: 2)])
            for seq in 3...30 { send(seq) }
            #expect(try await client.events(on: "note:k", through: 30) == Array(1...30))
            let numbers = client.messages("event").compactMap { $0["data"]?["n"]?.integer(in: .seq) }
            #expect(numbers == Array(1...30))
            let tally = try #require(await hub.hub.fanIn?.tally)
            #expect(tally.early == 18)
            #expect(tally.gaps == 0)
        }
    }

    /// A node loses its turn and drops what it has gathered; then one more message arrives. It must not be the next in
    /// the log when the node leads again.
    @Test func messageThatArrivesAfterTheDroppedOnesIsDroppedToo() async throws {
        func message(_ seq: Int) -> String {
            #"{"type":"note","key":"k","source":"s","sourceSeq":\#(seq),"sourceOrder":"strict","data":{"n":\#(seq)}}"#
        }
        let (source, store) = (ScriptedFanInSource(), RecordingFanInStore())
        let late = LateSource(base: source, last: FanInMessage(channel: "chain.x", payload: Array(message(3).utf8)))
        let requests = Watched<[FanInRequest]>([])
        let ports = FanInPorts(source: late, store: store, ask: { request in requests.change { $0.append(request) } })
        try await withHub(HubConfiguration.forTests, tape: MemoryTape(), fanIn: ports) { hub in
            let fanIn = try #require(hub.hub.fanIn)
            let client = try await hub.connect()
            try await client.subscribe("note:k")
            try await source.wait(forListeners: 1)
            source.send("chain.x", message(1))
            try await eventually("the first is committed") { await fanIn.tally.events == 1 }
            store.fail(.unavailable("x"))
            store.revoke()
            try await eventually("it no longer leads") { !(await fanIn.tally.isLeading) }
            source.send("chain.x", message(2))
            try await source.wait(forReceived: 2)
            await fanIn.updateStaleSources(now: Timestamp.now.advanced(by: .seconds(31)))
            try await late.wasLate.wait(for: "the late message") { $0 }
            store.fail(nil)
            try await source.wait(forListeners: 1)
            source.send("chain.x", message(4))
            try await requests.wait(for: "a request") { $0.last?.after == 1 }
            for seq in 2...4 { source.send("chain.x", message(seq)) }
            #expect(try await client.events(on: "note:k", through: 4) == Array(1...4))
            let numbers = client.messages("event").compactMap { $0["data"]?["n"]?.integer(in: .seq) }
            #expect(numbers == Array(1...4))
        }
    }

    @Test func requestsAreReadAsTheyWereWritten() {
        let request = FanInRequest(channel: "chain.x", source: "chain:x", after: 7)
        #expect(FanInRequest(request.message) == request)
        #expect(FanInRequest(FanInMessage(channel: "chain.x", payload: request.message.payload)) == nil)
        #expect(FanInRequest(FanInMessage(channel: "ask.chain.x", payload: Array("{}".utf8))) == nil)
    }
}

/// Delivers one more message after it was asked to stop.
private struct LateSource: FanInSource {
    let base: ScriptedFanInSource
    let last: FanInMessage
    let wasLate = Watched(false)

    func run(_ receive: @Sendable (FanInMessage) async -> Void) async {
        await self.base.run(receive)
        await receive(self.last)
        self.wasLate.change { $0 = true }
    }
}
