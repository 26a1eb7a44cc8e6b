// SPDX-License-Identifier: Apache-2.0

import JSON

/// The deduplication key of an event.
package struct EventKey: Hashable, Sendable {
    private let id: ExactText
    private let source: ExactText
    /// Computed once, because a key is hashed several times: on lookup, insertion, rehashing and removal.
    private let hash: Int

    package init(of event: Event) {
        self.id = ExactText(event.id)
        self.source = ExactText(event.source)
        var hasher = Hasher()
        hasher.combine(self.id)
        hasher.combine(self.source)
        self.hash = hasher.finalize()
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.hash == right.hash && left.id == right.id && left.source == right.source
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.hash)
    }
}

/// Generates epochs.
package enum Epoch {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")

    /// Eight random characters: 40 bits.
    package static func random() -> String {
        String((0..<8).compactMap { _ in Self.alphabet.randomElement() })
    }
}
