// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
import JSON
import Synchronization

/// Recent problems on this node, for operators: rejected requests, and the log's warnings and errors.
///
/// Keeps the newest ``limit`` entries. A repetition of one of the last few entries increases that entry's count instead
/// of adding an entry, so a client in a retry loop does not push out everything else. Can be used from any thread.
package final class RecentErrors: Sendable {
    package enum Kind: String, Sendable {
        /// A request of a client or service was rejected.
        case refused
        /// The hub closed a connection because of the client's behavior.
        case closed
        /// A log message.
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
        /// The user, service or connection concerned, where known.
        package var subject: String
        package var first: Timestamp
        package var last: Timestamp
        package var count: Int
    }

    package static let limit = 200
    /// How many of the newest entries are searched for a repetition.
    private static let lookBack = 16
    /// Maximum length of each text, in scalars; longer texts are truncated.
    private static let textLength = 300

    private struct State {
        var entries = Deque<Entry>()
        var number = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// All entries, newest first.
    package var all: [Entry] {
        self.state.withLock { $0.entries.sorted { $0.last > $1.last } }
    }

    /// Number of entries ever added.
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
