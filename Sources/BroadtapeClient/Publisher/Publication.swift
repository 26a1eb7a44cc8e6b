// SPDX-License-Identifier: Apache-2.0

import JSON

/// An event to be published.
///
/// Always has an id, so that sending it again is not a second event.
public struct Publication: Sendable, Equatable {
    /// Why something is not an event.
    public struct Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        /// A sentence for a human.
        public let description: String
    }

    /// The event's id.
    public let id: String
    /// The event as a compact JSON object.
    public let json: [UInt8]

    /// Writes an event.
    /// - Parameters:
    ///   - type: The event type's name.
    ///   - keys: The channels' keys; may be empty where the type names the field of `data` that holds the key.
    ///   - id: Unique for its source; nil creates one.
    ///   - source: The publisher; nil is the token's subject.
    ///   - time: When it happened, RFC 3339; nil is when the hub gets it.
    ///   - data: The payload as a JSON object.
    public init(
        type: String,
        keys: [String] = [],
        id: String? = nil,
        source: String? = nil,
        time: String? = nil,
        data: [UInt8]
    ) throws(Invalid) {
        let payload = try Self.object(data, "\"data\"")
        let id = id ?? Self.makeID()
        var writer = JSON.Writer(reservingCapacity: data.count + 128)
        writer.beginObject()
        writer.member("type", string: type)
        if !keys.isEmpty {
            writer.name("keys")
            writer.beginArray()
            for key in keys { writer.string(key) }
            writer.endArray()
        }
        writer.member("id", string: id)
        if let source { writer.member("source", string: source) }
        if let time { writer.member("time", string: time) }
        writer.member("data", raw: payload.compacted())
        writer.endObject()
        self.id = id
        self.json = writer.bytes
    }

    /// Reads an event as it is in a file: a JSON object, as in one line of NDJSON.
    ///
    /// Gets an id if it has none; the rest is for the hub to validate.
    public init(json text: [UInt8]) throws(Invalid) {
        let value = try Self.object(text, "an event")
        if let id = value["id"], !id.isNull {
            guard let id = id.string else { throw Invalid(description: "\"id\" must be a string") }
            self.id = id
            self.json = value.compacted()
            return
        }
        let id = Self.makeID()
        var writer = JSON.Writer(reservingCapacity: text.count + 64)
        writer.beginObject()
        writer.member("id", string: id)
        for (name, member) in value.members where name != "id" {
            writer.member(name, raw: member.compacted())
        }
        writer.endObject()
        self.id = id
        self.json = writer.bytes
    }

    /// Creates an event from one that is known to be valid, as a compact JSON object with this id.
    package init(id: String, json: [UInt8]) {
        self.id = id
        self.json = json
    }

    private static func object(_ text: [UInt8], _ what: String) throws(Invalid) -> JSON.Value {
        let value: JSON.Value
        do throws(JSON.Fault) {
            value = try JSON.Value.parse(text)
        } catch {
            throw Invalid(description: "\(what) is not JSON: \(error)")
        }
        guard value.kind == .object else { throw Invalid(description: "\(what) must be an object") }
        return value
    }

    /// 128 random bits.
    private static func makeID() -> String {
        let high = String(UInt64.random(in: .min ... .max), radix: 32)
        return "c-" + high + "-" + String(UInt64.random(in: .min ... .max), radix: 32)
    }
}
