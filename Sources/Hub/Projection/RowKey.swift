// SPDX-License-Identifier: Apache-2.0

import JSON

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
            return left.user.precedes(right.user)
        }
        return left.id.precedes(right.id)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytesOf: self.user)
        hasher.combine(bytesOf: self.id)
    }
}
