// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
import JSON
import Synchronization

/// What went wrong of late on this node, for operators who look: refusals, and the log's warnings and errors.
///
/// Holds the newest ``limit`` entries; what repeats one of the newest few is counted there instead of taking another
/// place, so that a client in a loop does not push everything else out. From any thread.
package final class RecentErrors: Sendable {
    package enum Kind: String, Sendable {
        /// A client or service asked for something that it did not get.
        case refused
        /// The hub closed a connection for what its client did.
        case closed
        /// A line of the log.
        case warning
        case error
    }

    package struct Entry: Sendable, Equatable {
        /// Ascending.
        package var number: Int
        package var kind: Kind
        /// An error code, a close code, or the log's message.
        package var what: String
        package var detail: String
        /// Who it happened to, where that is known.
        package var subject: String
        package var first: Timestamp
        package var last: Timestamp
        package var count: Int
    }

    package static let limit = 200
    /// Entries among which a repetition is looked for.
    private static let lookBack = 16
    /// Longest text of each kind, in scalars; what is longer is cut.
    private static let textLength = 300

    private struct State {
        var entries = Deque<Entry>()
        var number = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The newest first.
    package var all: [Entry] {
        self.state.withLock { $0.entries.sorted { $0.last > $1.last } }
    }

    /// How many entries there have been.
    package var total: Int {
        self.state.withLock { $0.number }
    }

    package func note(
        _ kind: Kind,
        _ what: String,
        _ detail: String,
        subject: String = "",
        at time: Timestamp = .now
    ) {
        let (what, detail) = (Self.cut(what), Self.cut(detail))
        let subject = Self.cut(subject)
        self.state.withLock { state in
            for index in state.entries.indices.suffix(Self.lookBack) {
                let entry = state.entries[index]
                guard entry.kind == kind, entry.what == what, entry.detail == detail, entry.subject == subject else {
                    continue
                }
                state.entries[index].count += 1
                state.entries[index].last = max(entry.last, time)
                return
            }
            if state.entries.count >= Self.limit { state.entries.removeFirst() }
            state.number += 1
            state.entries.append(
                Entry(
                    number: state.number,
                    kind: kind,
                    what: what,
                    detail: detail,
                    subject: subject,
                    first: time,
                    last: time,
                    count: 1
                )
            )
        }
    }

    private static func cut(_ text: String) -> String {
        text.cut(to: Self.textLength)
    }
}
