// SPDX-License-Identifier: Apache-2.0

import Hub

/// What dedupe knows an event by.
struct EventKey: Hashable, Sendable {
    let id: ExactText
    let source: ExactText

    init(of event: Event) {
        self.id = ExactText(event.id)
        self.source = ExactText(event.source)
    }
}
