// SPDX-License-Identifier: Apache-2.0

import Foundation
import Yams

/// Parses YAML whose mappings repeat keys. Yams stops at the first repeated key; everything else is to be checked too.
struct RepeatedKeys {
    /// The document, with the first member of each key.
    private(set) var root: Node?
    /// Keys that repeat an earlier one, with their lines.
    private(set) var repeated: [(name: String, line: Int)] = []

    /// Is appended to a repeated key, so that it is another one; for private use in Unicode.
    private static let mark: Character = "\u{F8FF}"

    static func compose(_ yaml: String) throws -> RepeatedKeys {
        var text = yaml
        while true {
            do {
                var result = RepeatedKeys()
                if let root = try Yams.compose(yaml: text) { result.root = result.withoutRepeated(root) }
                return result
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                guard let key = keys.first, let end = Self.end(ofRepeated: key, after: context.mark, in: text) else {
                    throw YamlError.duplicatedKeysInMapping(duplicates: keys, context: context)
                }
                text.insert(Self.mark, at: end)
            }
        }
    }

    /// Where the second key of a name ends: in the same column, or anywhere behind in a mapping in braces.
    private static func end(ofRepeated key: String, after mark: Mark, in text: String) -> String.Index? {
        var start = text.startIndex
        for _ in 1..<max(1, mark.line) {
            guard let end = text[start...].firstIndex(where: \.isNewline) else { return nil }
            start = text.index(after: end)
        }
        let name = NSRegularExpression.escapedPattern(for: key)
        let indent = max(0, mark.column - 1)
        for pattern in ["(?m)^ {\(indent)}[\"']?\(name)(?=[\"']?\\s*:)", "(?<![\\w-])\(name)(?=[\"']?\\s*:)"] {
            guard let regex = try? NSRegularExpression(pattern: pattern) else { return nil }
            let matches = regex.matches(in: text, range: NSRange(start..., in: text)).dropFirst()
            if let match = matches.first, let range = Range(match.range, in: text) { return range.upperBound }
        }
        return nil
    }

    private mutating func withoutRepeated(_ node: Node) -> Node {
        switch node {
        case .mapping(let mapping):
            var members: [(Node, Node)] = []
            for (key, value) in mapping {
                let value = self.withoutRepeated(value)
                if let name = key.string, name.last == Self.mark {
                    self.repeated.append((String(name.prefix { $0 != Self.mark }), key.mark?.line ?? 0))
                } else {
                    members.append((key, value))
                }
            }
            return .mapping(Node.Mapping(members, mapping.tag, mapping.style, mapping.mark))
        case .sequence(let list):
            return .sequence(Node.Sequence(list.map { self.withoutRepeated($0) }, list.tag, list.style, list.mark))
        default: return node
        }
    }
}
