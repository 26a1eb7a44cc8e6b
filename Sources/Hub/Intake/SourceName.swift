// SPDX-License-Identifier: Apache-2.0

import JSON

/// The `source` of events: names the ids of those who publish under it, so that whoever takes another's name takes its
/// ids.
package enum SourceName {
    /// What the names of the hub's own sources begin with, and those of the fan-in's channels for chains and rates.
    private static let reserved = ["chain:", "rate:", "chain.", "rate."]

    /// Whether only the hub itself publishes under a name.
    package static func isReserved(_ name: String) -> Bool {
        self.reserved.contains { name.utf8.starts(with: $0.utf8) }
    }

    /// Whether a text can be the name of a source.
    package static func isValid(_ name: String) -> Bool {
        Intake.isIdentifier(name)
    }

    /// The scope that lets others than the subject of its name publish under a name.
    package static let scope = "source:"
    /// The scope for every name.
    package static let anyScope = "source:*"
}

extension Principal {
    /// Why events may not be published under a source; nil when they may.
    func complaint(aboutSource source: String) -> String? {
        if self.isInternal { return nil }
        if SourceName.isReserved(source) {
            return "\(source) is a source of the hub itself; publish under another name"
        }
        return self.maySpeak(for: source)
            ? nil : "publishing as \(source) needs the scope \(SourceName.scope)\(source) or \(SourceName.anyScope)"
    }

    /// By bytes: two spellings of one text are two names.
    private func maySpeak(for source: String) -> Bool {
        if source.hasSameBytes(as: self.subject) || self.scopes.contains(SourceName.anyScope) { return true }
        let prefix = SourceName.scope.utf8
        return self.scopes.contains { scope in
            scope.utf8.starts(with: prefix) && scope.utf8.dropFirst(prefix.count).elementsEqual(source.utf8)
        }
    }
}
