// SPDX-License-Identifier: Apache-2.0

import JSON

/// What dedupe knows an event by.
package struct EventKey: Hashable, Sendable {
    private let id: ExactText
    private let source: ExactText
    /// Reckoned once: a key is looked up, entered, moved when the table grows, and taken out again.
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
