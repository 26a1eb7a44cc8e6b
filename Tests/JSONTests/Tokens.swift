// SPDX-License-Identifier: Apache-2.0

import JSON

/// Everything a value holds, in order, as a list to compare. Written with the package's interface only.
func tokens(of value: Value) -> [String] {
    switch value.kind {
    case .null: [value.isNull ? "null" : "?"]
    case .bool: [value.bool.map(\.description) ?? "?"]
    case .number: [value.number ?? "?"]
    case .string: [value.string.map { "\"\($0)\"" } ?? "?"]
    case .array: ["["] + value.elements.flatMap(tokens) + ["]", "\(value.count)"]
    case .object: ["{"] + value.members.flatMap { [$0.name] + tokens(of: $0.value) } + ["}", "\(value.count)"]
    }
}

/// Writes a value again from its parts.
func rewrite(_ value: Value, with writer: inout Writer) {
    switch value.kind {
    case .null: writer.null()
    case .bool: writer.bool(value.bool ?? false)
    case .number: writer.raw((value.number ?? "").utf8)
    case .string: writer.string(value.string ?? "")
    case .array:
        writer.beginArray()
        for element in value.elements { rewrite(element, with: &writer) }
        writer.endArray()
    case .object:
        writer.beginObject()
        for (name, value) in value.members {
            writer.name(name)
            rewrite(value, with: &writer)
        }
        writer.endObject()
    }
}
