// SPDX-License-Identifier: Apache-2.0

import EventLog
import Yams

/// Event type declarations of the configuration file.
struct TypeDeclarations: Declarations {
    let path: String
    var errors: [String] = []

    static let keys = ["readers", "delivery", "key-field", "slot", "retention", "fields"]
    private static let slotKeys = ["field", "default"]
    private static let fieldKeys = ["kind", "required", "values"]
    private static let kinds: [String: Field.Kind] = [
        "decimal": .decimal, "string": .string, "integer": .integer, "boolean": .boolean, "object": .object,
        "array": .array, "any": .any,
    ]

    /// Reads the `types` of a file.
    static func types(in file: ConfigurationFile, errors: inout [String]) -> [EventType] {
        var declarations = TypeDeclarations(path: file.path)
        var types: [EventType] = []
        for (key, value) in file.types {
            if let type = declarations.type(key, value) { types.append(type) }
        }
        errors += declarations.errors
        return types
    }

    private mutating func type(_ key: Node, _ value: Node) -> EventType? {
        let name = key.string ?? ""
        let isNamed = EventType.isValidName(name)
        if !isNamed {
            self.addError(
                key,
                "\"\(name)\" cannot name a type: a letter, then up to 63 letters, digits, '.', '_' or '-'"
            )
        }
        guard let given = value.mapping else {
            self.addError(key, "\"\(name)\" is a mapping with \(Self.keys.joined(separator: ", "))")
            return nil
        }
        let mapping = self.members(of: given, among: Self.keys)
        // A declaration of a built-in type overrides only the keys it has.
        let builtIn = EventTypes.builtIn.first { $0.name == name }
        var type = builtIn ?? EventType(name: name, readers: .owner, delivery: .every)
        type.readers = self.choice(mapping["readers"], "readers", EventType.Readers.self) ?? type.readers
        if mapping["readers"] == nil, builtIn == nil {
            self.addError(key, "\"\(name)\" needs \"readers\": who may read its channels")
        }
        type.delivery = self.choice(mapping["delivery"], "delivery", EventType.Delivery.self) ?? type.delivery
        if let node = mapping["key-field"] {
            if let field = node.scalar?.string {
                type.keyField = field
            } else {
                self.addError(node, "\"key-field\" is the name of a field of data")
            }
        }
        if let node = mapping["slot"] {
            type.slot = self.slot(node)
        }
        if let node = mapping["retention"] {
            type.retention = self.retention(node)
        }
        if let node = mapping["fields"], node.mapping == nil {
            self.addError(node, "\"fields\" is a mapping of names to kinds")
        }
        for (key, value) in mapping["fields"]?.mapping ?? Node.Mapping([]) {
            guard let field = self.field(key, value) else { continue }
            type.fields.removeAll { $0.name == field.name }
            type.fields.append(field)
        }
        // Events that may lack a field the projection needs are passed on, not projected.
        type.projection = type.projection.flatMap { $0.isFed(by: type.fields) ? $0 : nil }
        return isNamed ? type : nil
    }

    private mutating func slot(_ node: Node) -> EventType.Slot? {
        if let field = node.scalar?.string {
            return EventType.Slot(field: field, defaultValue: "")
        }
        let mapping = self.members(of: node.mapping ?? Node.Mapping([]), among: Self.slotKeys)
        let standard = self.text(mapping["default"], "default") ?? ""
        guard let field = mapping["field"]?.string else {
            self.addError(node, "\"slot\" is the name of a field of data, or {field: …, default: …}")
            return nil
        }
        return EventType.Slot(field: field, defaultValue: standard)
    }

    private mutating func retention(_ node: Node) -> Duration? {
        guard node.string != "forever" else { return nil }
        guard let duration = node.string.flatMap(Quantity.duration), duration > .zero else {
            self.addError(node, "\"retention\" is a duration such as 90d or 12h, or forever")
            return nil
        }
        return duration
    }

    private mutating func field(_ key: Node, _ value: Node) -> Field? {
        let name = key.string ?? ""
        if let kind = value.scalar?.string {
            return self.kind(value, kind).map { Field(name, $0) }
        }
        guard let given = value.mapping else {
            self.addError(key, "\"\(name)\" is a kind, or {kind: …, required: …, values: […]}")
            return nil
        }
        let mapping = self.members(of: given, among: Self.fieldKeys)
        if let node = mapping["required"], node.bool == nil {
            self.addError(node, "\"required\" is true or false")
        }
        let required = mapping["required"]?.bool ?? false
        if mapping["kind"] != nil, let values = mapping["values"] {
            self.addError(values, "\"values\" are strings: leave \"kind\" out")
        }
        if let values = mapping["values"] {
            let choices = values.sequence?.compactMap(\.string) ?? []
            guard !choices.isEmpty, choices.count == values.sequence?.count else {
                self.addError(values, "\"values\" is a list of strings")
                return nil
            }
            return Field(name, .choice(choices), required: required)
        }
        guard let kind = mapping["kind"]?.string else {
            self.addError(key, "\"\(name)\" needs a \"kind\" or \"values\"")
            return nil
        }
        return self.kind(value, kind).map { Field(name, $0, required: required) }
    }

    private mutating func kind(_ node: Node, _ name: String) -> Field.Kind? {
        if let kind = Self.kinds[name] { return kind }
        let known = Self.kinds.keys.sorted()
        self.addError(
            node,
            "there is no kind \"\(name)\"\(Suggestion.hint(for: name, among: known)) (\(known.joined(separator: ", ")))"
        )
        return nil
    }
}
