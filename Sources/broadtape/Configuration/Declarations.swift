// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Yams

/// Reads one of the mappings of the configuration file and collects all errors, each with its line.
protocol Declarations {
    /// Of the file.
    var path: String { get }
    var errors: [String] { get set }
}

extension Declarations {
    mutating func addError(_ node: Node, _ message: String) {
        self.errors.append("\(self.path):\(node.mark?.line ?? 0): \(message)")
    }

    /// The members that have a value; one without is not set. Unknown keys are errors.
    mutating func members(of mapping: Node.Mapping, among known: [String]) -> Node.Mapping {
        for (key, _) in mapping where !known.contains(key.string ?? "") {
            let name = key.string ?? ""
            self.addError(key, "unknown key \"\(name)\"\(Suggestion.hint(for: name, among: known))")
        }
        return Node.Mapping(mapping.compactMap { $0.value.isNull ? nil : ($0.key, $0.value) })
    }

    /// A text; any other value is an error.
    mutating func text(_ node: Node?, _ name: String) -> String? {
        guard let node else { return nil }
        if let text = node.scalar?.string { return text }
        self.addError(node, "\"\(name)\" is a text")
        return nil
    }

    /// A list of texts, or one text separated by spaces, each with where it is.
    mutating func texts(_ node: Node?, _ name: String) -> [(text: String, node: Node)] {
        guard let node else { return [] }
        if let text = node.scalar?.string {
            return text.split(whereSeparator: \.isWhitespace).map { (String($0), node) }
        }
        guard let list = node.sequence, !list.isEmpty else {
            self.addError(node, "\"\(name)\" is a list of texts")
            return []
        }
        return list.compactMap { element in self.text(element, name).map { ($0, element) } }
    }

    mutating func duration(_ node: Node?, _ name: String, _ range: ClosedRange<Duration>) -> Duration? {
        guard let node else { return nil }
        if let duration = node.string.flatMap(Quantity.duration), range.contains(duration) { return duration }
        self.addError(node, "\"\(name)\" is a duration such as 60s, from \(Quantity.text(range))")
        return nil
    }

    mutating func number(_ node: Node?, _ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node else { return nil }
        if let number = node.string.flatMap({ Int(decimal: $0, in: range) }) { return number }
        self.addError(node, "\"\(name)\" is \(range.expectation())")
        return nil
    }

    mutating func choice<T: RawRepresentable<String> & CaseIterable>(_ node: Node?, _ name: String, _: T.Type) -> T? {
        guard let node else { return nil }
        if let value = node.string.flatMap(T.init(rawValue:)) { return value }
        self.addError(node, "\"\(name)\" is one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        return nil
    }

    /// The name of a chain or an exchange.
    mutating func sourceName(_ key: Node, of what: String) -> String? {
        let name = key.string ?? ""
        if (1...64).contains(name.utf8.count),
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"*?[]:\\".utf8.contains($0) })
        {
            return name
        }
        self.addError(key, "\"\(name)\" cannot name \(what): 1 to 64 letters, digits or - _ .")
        return nil
    }
}

/// Addresses of HTTP servers, as operators write them.
enum HTTPAddress {
    /// The host; nil if no request can be sent there.
    static func host(of text: String) -> String? {
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else { return nil }
        return URL(string: text)?.host.flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Node {
    /// Whether nothing is written: `key:`, `key: ''`, `key: null` or `key: ~`.
    var isNull: Bool {
        guard let scalar else { return false }
        return scalar.string.isEmpty || scalar.style == .plain && ["~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
