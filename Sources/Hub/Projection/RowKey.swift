// SPDX-License-Identifier: Apache-2.0

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
        (1...Self.maxTextLength).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    /// By bytes, as a database tells texts apart.
    package static func == (left: Self, right: Self) -> Bool {
        left.id.hasSameBytes(as: right.id) && left.user.hasSameBytes(as: right.user)
    }

    /// By bytes, first the user, then the id.
    package static func < (left: Self, right: Self) -> Bool {
        if !left.user.hasSameBytes(as: right.user) {
            return left.user.utf8.lexicographicallyPrecedes(right.user.utf8)
        }
        return left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
    }

    /// Texts of the same bytes are canonically equivalent, so the hash of `String` will do.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.user)
        hasher.combine(self.id)
    }
}
