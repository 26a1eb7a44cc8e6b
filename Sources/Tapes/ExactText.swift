// SPDX-License-Identifier: Apache-2.0

import Hub

/// A text that equals another only when their bytes do, as in a database.
///
/// `String` compares by canonical equivalence: to it a composed and a decomposed `é` are one key.
struct ExactText: Hashable, Sendable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static func == (left: Self, right: Self) -> Bool {
        left.text.hasSameBytes(as: right.text)
    }

    /// Texts of the same bytes are canonically equivalent, so the hash of `String` will do.
    func hash(into hasher: inout Hasher) {
        hasher.combine(self.text)
    }
}
