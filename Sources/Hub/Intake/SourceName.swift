// SPDX-License-Identifier: Apache-2.0

import JSON

/// The `source` of an event. It is the namespace of event ids, so a publisher that uses another publisher's source can
/// take its ids.
package enum SourceName {
    /// Prefixes reserved for the hub's own sources, and for the fan-in channels of chains and rates.
    private static let reserved = ["chain:", "rate:", "chain.", "rate."]

    /// Whether only the hub itself publishes under a name.
    package static func isReserved(_ name: String) -> Bool {
        self.reserved.contains { name.utf8.starts(with: $0.utf8) }
    }

    /// Whether a text is a valid source name.
    package static func isValid(_ name: String) -> Bool {
        EventValidator.isIdentifier(name)
    }

    /// Prefix of the scope that allows publishing under a name other than the token's subject.
    package static let scope = "source:"
    /// The scope for all names.
    package static let anyScope = "source:*"
}

extension Principal {
    /// Why events may not be published under a source; nil if they may.
    func validationError(ofSource source: String) -> String? {
        if self.isInternal { return nil }
        if SourceName.isReserved(source) {
            return "\(source) is reserved for the hub; publish under another name"
        }
        return self.maySpeak(for: source)
            ? nil : "publishing as \(source) needs the scope \(SourceName.scope)\(source) or \(SourceName.anyScope)"
    }

    /// Compares bytes: two spellings of a text are two names.
    private func maySpeak(for source: String) -> Bool {
        if source.hasSameBytes(as: self.subject) || self.scopes.contains(SourceName.anyScope) { return true }
        let prefix = SourceName.scope.utf8
        return self.scopes.contains { scope in
            scope.utf8.starts(with: prefix) && scope.utf8.dropFirst(prefix.count).elementsEqual(source.utf8)
        }
    }
}
