// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

/// The setting `fan-in`: channel patterns with the types and sources they may carry, such as
/// `chain.* rate.* pay.*=transactionUpdate,source:payments`.
struct FanInSetting {
    private(set) var rules: [FanInRules.Rule] = []
    private(set) var errors: [String] = []

    private let types: EventTypes

    /// - Parameter text: Words separated by spaces; `off` is none.
    init(_ text: String, types: EventTypes) {
        self.types = types
        guard text != "off" else { return }
        for word in text.split(whereSeparator: \.isWhitespace) {
            self.add(word)
        }
    }

    private mutating func add(_ word: Substring) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let pattern = String(parts[0])
        var rule = FanInRules.Rule(pattern, types: [])
        for part in parts.count > 1 ? parts[1].split(separator: ",") : [] {
            if part.utf8.starts(with: SourceName.scope.utf8) {
                self.allow(part.dropFirst(SourceName.scope.count), in: &rule)
            } else if part == "*" {
                rule.types = nil
            } else if self.types[part] == nil {
                let known = self.types.all.map(\.name)
                let hint = Suggestion.hint(for: String(part), among: known)
                self.errors.append("there is no event type \"\(part)\"\(hint) for \(pattern)")
            } else {
                rule.types?.insert(String(part))
            }
        }
        if rule.types?.isEmpty == true { rule.types = FanInRules.Rule.usualTypes(of: pattern) ?? [] }
        if pattern.isEmpty || rule.types?.isEmpty == true {
            self.errors.append(
                "\"\(word)\" does not say what it may carry; write it like \(pattern)=transactionUpdate"
                    + ",source:NAME with the event types and the sources of those who publish there"
            )
        }
        // The first rule of a pattern is the one that applies.
        if self.rules.contains(where: { $0.pattern == pattern }) {
            self.errors.append("\(pattern) is there twice; name all of its types and sources at once")
        }
        self.rules.append(rule)
    }

    private mutating func allow(_ source: Substring, in rule: inout FanInRules.Rule) {
        if source == "*" {
            rule.takesAnySource = true
        } else if SourceName.isValid(String(source)) {
            rule.sources.append(String(source))
        } else {
            self.errors.append("\"\(source)\" cannot be a source for \(rule.pattern)")
        }
    }
}
