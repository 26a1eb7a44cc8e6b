// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore
import TestSupport
import Testing

/// Names that `String` treats as equal, or whose first scalar combines with the preceding character, wherever the hub
/// distinguishes names.
@Suite(.timeLimit(.minutes(1))) struct NamesAreBytesTests {
    private static let composed = "\u{e9}"
    private static let decomposed = "e\u{301}"

    @Test func typesAreKnownByBytes() throws {
        let types = EventTypes(declared: [EventType(name: "K", readers: .everyone, delivery: .every)])
        #expect(types["K"] != nil)
        #expect(types["\u{212a}"] == nil)
        let validator = EventValidator(types: types)
        let event = try JSON.Value.parse(Array(#"{"type":"\u212a","key":"k","data":{}}"#.utf8))
        let publisher = Principal(subject: "s", scopes: ["publish:*"])
        let fault = #expect(throws: IntakeFault.self) {
            try validator.events(from: [event], publisher: publisher, now: .now)
        }
        #expect(fault?.summary.code == .unknownType)
    }

    @Test func limitsAreOfOneUser() {
        let rates = PublishRates(AllowedRate(perSecond: 1, burst: 1))
        let now = NIODeadline.now()
        #expect(rates.take(1, for: Self.composed, at: now) == nil)
        #expect(rates.take(1, for: Self.composed, at: now) != nil)
        #expect(rates.take(1, for: Self.decomposed, at: now) == nil)
    }

    @Test func connectionsAreOfOneUser() async throws {
        var configuration = HubConfiguration.forTests
        configuration.connectionsPerUser = 1
        try await withHub(configuration) { hub in
            _ = try await hub.connect(token: Self.composed)
            _ = try await hub.connect(token: Self.decomposed)
            let third = try await hub.connect()
            try await third.send(#"{"op":"auth","token":"\#(Self.decomposed)"}"#)
            #expect(try await third.closing() == .tooManyConnections(limit: 1))
        }
    }

    @Test func snapshotHasEverySlot() async throws {
        try await withHub { hub in
            let first = try await hub.connect()
            try await first.subscribe("purse:k")
            for slot in [Self.composed, Self.decomposed] {
                try await hub.publish("purse:k", #"{"currency":"\#(slot)"}"#)
            }
            try await first.events(on: "purse:k", through: 2)
            let late = try await hub.connect()
            try await late.subscribe("purse:k")
            try await late.expect(2, "snapshot")
            let slots = late.messages("snapshot").compactMap { $0["data"]?["currency"]?.string }
            #expect(slots.map { Array($0.utf8) } == [Array(Self.composed.utf8), Array(Self.decomposed.utf8)])
        }
    }

    @Test func channelsAreSubscribedToByBytes() async throws {
        let keys = [Self.composed, Self.decomposed, "\u{301}", "\u{301}x", "\u{600}"]
        try await withHub { hub in
            let client = try await hub.connect()
            for (index, key) in keys.enumerated() {
                try await client.subscribe("note:\(key)")
                for _ in 0...index { try await hub.publish("note:\(key)") }
            }
            try await client.expect(15, "event")
            for (index, key) in keys.enumerated() {
                let events = client.messages("event").filter { $0["channel"]?.equals("note:\(key)") ?? false }
                #expect(events.compactMap { $0["seq"]?.integer(in: .seq) } == Array(1...index + 1))
            }
        }
    }

    @Test func sumsOfTheAuditTrailAreOfOneActor() async throws {
        let store = SharedAccessStore()
        try await withHub(access: AccessStores(audit: store)) { hub in
            for (count, actor) in [(1, Self.composed), (2, Self.decomposed)] {
                let client = try await hub.connect(token: "\(actor) publish:*")
                for id in 1...count {
                    try await client.send(
                        #"{"op":"publish","id":\#(id),"events":[{"type":"note","key":"k","data":{}}]}"#
                    )
                    try await client.answer(id, op: "published")
                }
            }
            await hub.hub.audit.flush()
            let counts = store.value.records.map { (Array($0.actor.utf8), $0.count) }
            #expect(counts.count == 2)
            #expect(counts.first { $0.0 == Array(Self.composed.utf8) }?.1 == 1)
            #expect(counts.first { $0.0 == Array(Self.decomposed.utf8) }?.1 == 2)
        }
    }

    @Test func sourcesAreFollowedByBytes() {
        var table = SourceTable(limit: 10)
        let time = Timestamp(nanoseconds: 1)
        for (seq, source) in [(5, Self.composed), (9, Self.decomposed), (1, "z"), (2, "\u{301}")] {
            let heard = table.heard(SourceNumber(source: source, seq: seq, types: []), at: time, takesUp: true)
            #expect(heard == .next)
        }
        #expect(table.count == 4)
        #expect(table[Self.composed]?.seq == 5 && table[Self.decomposed]?.seq == 9)
        let order = [Self.decomposed, "z", Self.composed, "\u{301}"].map { Array($0.utf8) }
        #expect(table.takeMarks().map { Array($0.source.utf8) } == order)
        #expect(table.reports(limit: 9).map { Array($0.name.utf8) } == order)
        #expect(table.reports(after: "z", limit: 9).map { Array($0.name.utf8) } == Array(order.suffix(2)))
        var orders = SourceOrder()
        for source in [Self.composed, Self.decomposed] {
            let first = SourceNumber(source: source, seq: 1, types: [], isStrict: true)
            #expect(orders.received([first], at: time) { _ in nil } == .take)
            let third = SourceNumber(source: source, seq: 3, types: [], isStrict: true)
            #expect(orders.received([third], at: time) { _ in nil } == .leave(ask: (source, 1)))
        }
    }

    @Test func requestsNameTheirChannelByBytes() {
        let request = FanInRequest(channel: "\u{301}rate", source: "s", after: 3)
        #expect(FanInRequest(request.message) == request)
    }

    /// A `Character` may have any number of bytes.
    @Test func textsThatAreKeptAreBounded() {
        let mark = "x" + String(repeating: "\u{301}", count: 100_000)
        #expect(FanInFault(mark).reason.utf8.count < 2_100)
        let letter = DeadLetter(received: .now, channel: mark, payload: [], reason: mark)
        #expect(letter.channel.utf8.count < 4_200 && letter.reason.utf8.count < 4_200)
        let errors = RecentErrors()
        errors.note(.error, mark, mark, subject: mark)
        #expect(errors.all.allSatisfy { $0.what.utf8.count + $0.detail.utf8.count + $0.subject.utf8.count < 4_000 })
    }
}
