// SPDX-License-Identifier: Apache-2.0

package import JSON

/// The key of a user's row: a wallet or a transaction.
package struct RowKey: Hashable, Sendable, Comparable {
    /// Maximum length of a text in a row, in UTF-8 bytes: database indexes are limited to about 2700 bytes.
    package static let maxTextLength = 256

    package let user: String
    /// Unique among the user's rows of the same kind.
    package let id: String

    package init(user: String, id: String) {
        self.user = user
        self.id = id
    }

    /// Whether a text can be stored in a row: 1 to ``maxTextLength`` bytes without control characters, in particular
    /// without U+0000, which Postgres cannot store.
    package static func isText(_ text: String) -> Bool {
        (1...Self.maxTextLength).contains(text.utf8.count) && text.hasNoControls
    }

    /// Why a JSON text cannot be used as a name; nil if it can, and for values that are not texts. An empty text means
    /// no name, which is allowed.
    package static func validationError(of value: JSON.Value) -> String? {
        // Most texts have no escapes, and are not copied.
        if let text = value.plainText { return Self.validationError(of: text) }
        return value.string.flatMap { Self.validationError(of: $0.utf8) }
    }

    private static func validationError(of text: some Collection<UInt8>) -> String? {
        guard text.count <= Self.maxTextLength else {
            return "has \(text.count) bytes, the limit is \(Self.maxTextLength)"
        }
        let isFree = text.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        return isFree ? nil : "has a control character (U+0000 to U+001F, or U+007F)"
    }

    /// Compares bytes, as databases do.
    package static func == (left: Self, right: Self) -> Bool {
        left.id.hasSameBytes(as: right.id) && left.user.hasSameBytes(as: right.user)
    }

    /// Compares bytes: first the user, then the id.
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
