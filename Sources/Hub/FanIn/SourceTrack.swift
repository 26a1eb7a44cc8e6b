// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Tracks the progress of one fan-in source, and whether it is stale.
///
/// Numbers increase by one. A repeated message is recognized by its number. A source that restarts must use another
/// name, or continue the numbers where it stopped.
package struct SourceTrack: Sendable, Equatable {
    /// The highest number received; nil before the first.
    package private(set) var seq: Int?
    package private(set) var heard: Timestamp
    /// The event types it publishes, ascending.
    package private(set) var types: [String]
    /// Silent for too long; until its next message.
    package private(set) var isStale = false

    /// A source whose first message has just been received.
    package init(heard: Timestamp) {
        self.heard = heard
        self.types = []
    }

    /// A source known from a stored mark, which may be from another node.
    package init(_ mark: SourceMark) {
        self.init(heard: mark.heard)
        self.learn(mark)
    }

    /// Applies a stored mark of the source, which may be from another node; the later of both states wins.
    package mutating func learn(_ mark: SourceMark) {
        if mark.heard > self.heard {
            self.heard = mark.heard
            self.isStale = false
        }
        if let seq = mark.seq { self.seq = max(self.seq ?? seq, seq) }
        self.learn(types: mark.types)
    }

    package enum OnHeard: Sendable, Equatable {
        /// The expected message, or the first one with a number.
        case next
        /// The message has no number.
        case unnumbered
        /// Already received, or too late.
        case duplicate
        /// The messages with these numbers are missing.
        case gap(ClosedRange<Int>)
    }

    /// Records a message of the source.
    /// - Parameters:
    ///   - seq: Its number, 0 or greater.
    ///   - types: The types of its events.
    package mutating func heard(seq: Int?, types: [String], at time: Timestamp) -> OnHeard {
        self.heard = max(self.heard, time)
        self.isStale = false
        self.learn(types: types)
        guard let seq else { return .unnumbered }
        guard let last = self.seq else {
            self.seq = seq
            return .next
        }
        guard seq > last else { return .duplicate }
        self.seq = seq
        return seq - last == 1 ? .next : .gap(last + 1...seq - 1)
    }

    private mutating func learn(types: [String]) {
        for type in types where self.types.count < SourceMark.maxTypes && !self.types.contains(type) {
            let place = self.types.firstIndex { $0 > type } ?? self.types.endIndex
            self.types.insert(type, at: place)
        }
    }

    /// Updates staleness to the current time.
    /// - Parameters:
    ///   - limit: Silence after which the source is stale.
    ///   - held: The time until which no source could be received, if that is later than the last message.
    /// - Returns: Whether the source has just become stale.
    package mutating func checked(at now: Timestamp, limit: Duration, held: Timestamp?) -> Bool {
        guard !self.isStale, now.duration(since: max(self.heard, held ?? self.heard)) > limit else { return false }
        self.isStale = true
        return true
    }
}

/// Sequence numbers that a source skipped.
package struct SourceGap: Sendable, Equatable {
    package var source: String
    package var missing: ClosedRange<Int>

    package init(source: String, missing: ClosedRange<Int>) {
        self.source = source
        self.missing = missing
    }
}
