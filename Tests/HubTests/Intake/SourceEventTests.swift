// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Testing

/// Events of a source are validated as values, with the same result as the same event in JSON.
@Suite struct SourceEventTests {
    private static let now = Timestamp(nanoseconds: 1_000)
    private static let validator = EventValidator(types: EventTypes())
    private static let data = #"{"rate":"1.5","pair":"BTC/USDT"}"#

    private func event(_ change: (inout SourceEvent) -> Void = { _ in }) throws -> Event {
        var event = SourceEvent(id: "1", type: "rateChange", key: "BTC/USDT", data: Array(Self.data.utf8))
        change(&event)
        return try Self.validator.event(from: event, of: "rate:peer", now: Self.now)
    }

    @Test(arguments: [nil, Timestamp(nanoseconds: 5)])
    func equalsTheSameEventInJSON(_ time: Timestamp?) throws {
        var source = SourceEvent(id: "1", type: "rateChange", key: "BTC/USDT", data: Array(Self.data.utf8))
        source.time = time
        let json = try JSON.Value.parse(source.json(source: "rate:peer"))
        let publisher = Principal(subject: "rate:peer", scopes: ["publish:*"], isInternal: true)
        let parsed = try Self.validator.events(from: [json], publisher: publisher, now: Self.now)
        #expect([try Self.validator.event(from: source, of: "rate:peer", now: Self.now)] == parsed)
    }

    struct Mistake: Sendable, CustomStringConvertible {
        var description: String
        var reason: ItemFault.Reason
        var change: @Sendable (inout SourceEvent) -> Void

        init(_ field: String, _ reason: ItemFault.Reason, _ change: @escaping @Sendable (inout SourceEvent) -> Void) {
            (self.description, self.reason, self.change) = (field, reason, change)
        }
    }

    @Test(arguments: [
        Mistake("type", .unknownType) { $0.type = "nothing" },
        Mistake("data", .invalid) { $0.data = Array("{".utf8) },
        Mistake("data", .invalid) { $0.data = Array("[]".utf8) },
        Mistake("data.rate", .invalid) { $0.data = Array(#"{"rate":1.5}"#.utf8) },
        Mistake("data", .tooLarge) { event in
            event.data = Array(#"{"rate":"1","note":"\#(String(repeating: "x", count: 70_000))"}"#.utf8)
        },
        Mistake("key", .invalid) { $0.key = "" },
        Mistake("key", .invalid) { $0.key = "a\nb" },
        Mistake("data.pair", .invalid) { $0.key = "ETH/USDT" },
        Mistake("id", .invalid) { $0.id = "" },
        Mistake("id", .invalid) { $0.id = String(repeating: "x", count: 257) },
    ])
    func mistakesAreNamed(_ mistake: Mistake) throws {
        let fault = try #require(throws: IntakeFault.self) { try self.event(mistake.change) }
        guard case .items(let items) = fault else {
            Issue.record("\(fault)")
            return
        }
        #expect(items.map(\.field) == [mistake.description])
        #expect(items.map(\.reason) == [mistake.reason])
    }
}
