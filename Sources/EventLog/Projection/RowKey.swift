// SPDX-License-Identifier: Apache-2.0

package import JSON

/// What names a row of a user: a wallet or a transaction.
package struct RowKey: Hashable, Sendable, Comparable {
    /// Longest text of a row, in UTF-8 bytes: a database's indexes take no more than about 2700.
    package static let maxTextLength = 256

    package let user: String
    /// Unique among the rows of one kind of ``user``.
    package let id: String

    package init(user: String, id: String) {
        self.user = user
        self.id = id
    }

    /// Whether a text can stand in a row: 1 to ``maxTextLength`` bytes without control characters. U+0000 above all, which
    /// Postgres cannot keep.
    package static func isText(_ text: String) -> Bool {
        (1...Self.maxTextLength).contains(text.utf8.count) && text.hasNoControls
    }

    /// What keeps a text in JSON from naming something; nil when nothing does, and for what is no text. An empty one names nothing, which is no mistake.
    package static func complaint(about value: JSON.Value) -> String? {
        // Hardly any text has escapes, and then nothing is copied.
        if let text = value.plainText { return Self.complaint(about: text) }
        return value.string.flatMap { Self.complaint(about: $0.utf8) }
    }

    private static func complaint(about text: some Collection<UInt8>) -> String? {
        guard text.count <= Self.maxTextLength else {
            return "has \(text.count) bytes, the limit is \(Self.maxTextLength)"
        }
        let isFree = text.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        return isFree ? nil : "has a control character (U+0000 to U+001F, or U+007F)"
    }

    /// By bytes, as a database tells texts apart.
    package static func == (left: Self, right: Self) -> Bool {
        left.id.hasSameBytes(as: right.id) && left.user.hasSameBytes(as: right.user)
    }

    /// By bytes, first the user, then the id.
    package static func < (left: Self, right: Self) -> Bool {
        if !left.user.hasSameBytes(as: right.user) {
            return left.user.precedes(right.user)
        }
        return left.id.precedes(right.id)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytesOf: self.user)
        hasher.combine(bytesOf: self.id)
    }
}
