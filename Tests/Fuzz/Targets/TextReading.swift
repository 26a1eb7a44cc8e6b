// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON

/// What is made of JSON texts, requests to publish and messages of clients.
enum TextReading {
    private static let validator = EventValidator(types: EventTypes())
    private static let publisher = Principal(subject: "fuzz", scopes: ["publish:*", "source:*"])
    private static let now = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

    static func checkJSON(_ bytes: ArraySlice<UInt8>) throws {
        guard let value = try? JSON.Value.parse(Array(bytes)) else { return }
        let compact = value.compacted()
        try expect(compact.count <= bytes.count, "compact is longer than what came")
        guard let again = try? JSON.Value.parse(compact) else { throw FuzzTarget.Fault("compact is not JSON") }
        try expect(again.compacted() == compact, "compact is not compact")
        try expect(String(validating: value.text, as: UTF8.self) != nil, "accepted what is not UTF-8")
    }

    static func checkEvents(_ bytes: ArraySlice<UInt8>) throws {
        guard let value = try? JSON.Value.parse(Array(bytes)) else { return }
        let items = value.kind == .array ? Array(value.elements) : [value]
        guard let events = try? Self.validator.events(from: items, publisher: Self.publisher, now: Self.now) else {
            return
        }
        try expect(events.count == items.count, "\(events.count) events of \(items.count) items")
        for event in events {
            try expect(!event.channels.isEmpty, "an event without a channel")
            try expect((try? JSON.Value.parse(event.data)) != nil, "data is not JSON")
            try expect(event.data.count <= Self.validator.limits.dataBytes, "\(event.data.count) bytes of data")
        }
    }

    static func checkMessage(_ bytes: ArraySlice<UInt8>) throws {
        guard let value = try? JSON.Value.parse(Array(bytes)), value.kind == .object else { return }
        if let id = value["id"].flatMap({ RequestID($0) }) {
            // It comes back as it is.
            try expect((try? JSON.Value.parse(Array(id.text))) != nil, "an id that is not JSON")
        }
        guard let message = try? ClientMessage(value) else { return }
        guard case .history(_, let after, let limit) = message else { return }
        try expect(after ?? 0 >= 0 && ClientMessage.historyLimit.contains(limit), "after \(after ?? 0), limit \(limit)")
    }
}
