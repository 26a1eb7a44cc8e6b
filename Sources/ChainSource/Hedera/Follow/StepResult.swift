// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Result of a step for one contract or topic.
struct StepResult: Sendable, Equatable {
    var events: [SourceEvent] = []
    var deadLetters: [DeadLetter] = []
    var changes: EntryChanges
    /// Logs and messages published for the first time.
    var facts = 0
    /// Logs that an earlier read missed.
    var healed = 0
    /// Logs that were published as confirmed and no longer exist.
    var undone = 0
    /// Whether there is more to read at once.
    var hasMore = false
}
