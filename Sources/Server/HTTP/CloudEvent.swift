// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hub
import JSON

/// Converts CloudEvents 1.0 to plain events: `subject` becomes the key, the other attributes keep their names.
enum CloudEvent {
    private static let required = ["id", "source", "type"]
    private static let attributes = ["id", "source", "type", "time", "traceparent"]

    /// Whether a request is in binary content mode (HTTP binding §3.1).
    static func isBinary(_ fields: HTTPFields) -> Bool {
        Self.attribute("specversion", in: fields) != nil
    }

    /// From the JSON format (structured content mode).
    static func plain(_ event: JSON.Value, index: Int) throws(Problem) -> JSON.Value {
        guard event.kind == .object else {
            throw Self.problem(index, nil, "an event is an object")
        }
        try Self.check(event["specversion"]?.string, index: index)
        for name in Self.required where event[name]?.string?.isEmpty ?? true {
            throw Self.problem(index, name, "is required (a string)")
        }
        guard event["data_base64"] == nil else {
            throw Self.problem(index, "data_base64", "is not supported; send \"data\" as a JSON object")
        }
        var writer = JSON.Writer(reservingCapacity: event.text.count)
        writer.beginObject()
        for name in Self.attributes {
            if let value = event[name] { writer.member(name, raw: value.text) }
        }
        if let subject = event["subject"] { writer.member("key", raw: subject.text) }
        if let data = event["data"] { writer.member("data", raw: data.text) }
        writer.endObject()
        return try EventFormat.parse(writer.bytes)
    }

    /// From header fields and a body (binary content mode).
    static func plain(_ fields: HTTPFields, data: JSON.Value) throws(Problem) -> JSON.Value {
        try Self.check(Self.attribute("specversion", in: fields), index: 0)
        var writer = JSON.Writer(reservingCapacity: data.text.count + 256)
        writer.beginObject()
        for name in Self.attributes {
            if let value = Self.attribute(name, in: fields) {
                writer.member(name, string: value)
            } else if Self.required.contains(name) {
                throw Self.problem(0, "ce-\(name)", "is required")
            }
        }
        if let subject = Self.attribute("subject", in: fields) { writer.member("key", string: subject) }
        writer.member("data", raw: data.text)
        writer.endObject()
        return try EventFormat.parse(writer.bytes)
    }

    private static func check(_ version: String?, index: Int) throws(Problem) {
        guard version == "1.0" else {
            throw Self.problem(index, "specversion", "must be \"1.0\"")
        }
    }

    private static func problem(_ index: Int, _ field: String?, _ message: String) -> Problem {
        Problem(.rejected(.items([ItemFault(index: index, reason: .invalid, field: field, message: message)])))
    }

    /// The content of a quoted-string (RFC 9110 §5.6.4); other values unchanged.
    private static func unquoted(_ value: String) -> String {
        let (text, quote) = (value.utf8, UInt8(ascii: "\""))
        guard text.count >= 2, text.first == quote, text.last == quote else { return value }
        var content: [UInt8] = []
        var isEscaped = false
        for byte in text.dropFirst().dropLast() {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                content.append(byte)
                isEscaped = false
            }
        }
        return String(decoding: content, as: UTF8.self)
    }

    /// The value of a `ce-` field (HTTP binding §3.1.3.2): unquotes a quoted string, then decodes percent-encoding.
    private static func attribute(_ name: String, in fields: HTTPFields) -> String? {
        guard let name = HTTPField.Name("ce-" + name), let value = fields[name] else { return nil }
        let text = Self.unquoted(value)
        return text.removingPercentEncoding ?? text
    }
}
