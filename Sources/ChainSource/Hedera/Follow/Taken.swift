// SPDX-License-Identifier: Apache-2.0

import EventLog

/// What a step of one contract or topic comes to.
struct Taken: Sendable, Equatable {
    var events: [SourceEvent] = []
    var letters: [DeadLetter] = []
    var changes: EntryChanges
    /// Logs and messages that were told of for the first time.
    var facts = 0
    /// Logs that an earlier reading had missed.
    var healed = 0
    /// Logs that were told of as confirmed and are not there.
    var undone = 0
    /// Whether there is more to read at once.
    var hasMore = false
}
