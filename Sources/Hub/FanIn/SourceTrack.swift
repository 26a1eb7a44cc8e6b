// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// How far one source of the fan-in has come, and whether it has fallen silent.
///
/// Numbers count up by one. What a source sends again is known by its number; a source that begins anew takes another
/// name, or numbers that go on where it stopped.
package struct SourceTrack: Sendable, Equatable {
    /// The highest number; nil while it has given none.
    package private(set) var seq: Int?
    package private(set) var heard: Timestamp
    /// The event types it feeds, ascending.
    package private(set) var types: [String]
    /// Silent for too long; until it is heard again.
    package private(set) var isStale = false

    /// A source that is heard of for the first time.
    package init(heard: Timestamp) {
        self.heard = heard
        self.types = []
    }

    /// A source that was heard of before, perhaps by another node.
    package init(_ mark: SourceMark) {
        self.init(heard: mark.heard)
        self.learn(mark)
    }

    /// Takes in what was noted of the source, perhaps by another node: the later of both counts.
    package mutating func learn(_ mark: SourceMark) {
        if mark.heard > self.heard {
            self.heard = mark.heard
            self.isStale = false
        }
        if let seq = mark.seq { self.seq = max(self.seq ?? seq, seq) }
        self.learn(types: mark.types)
    }

    package enum OnHeard: Sendable, Equatable {
        /// The message that was due, or the first with a number.
        case next
        /// It gives no number.
        case unnumbered
        /// Was had before, or comes too late.
        case duplicate
        /// The messages of these numbers are missing.
        case gap(ClosedRange<Int>)
    }

    /// A message of the source came.
    /// - Parameters:
    ///   - seq: Its number, 0 or more.
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

    /// Time has passed.
    /// - Parameters:
    ///   - limit: Silence after which the source counts as stale.
    ///   - held: Until when nothing could be heard of any source, if that was later than the source itself.
    /// - Returns: Whether it has become stale by this.
    package mutating func checked(at now: Timestamp, limit: Duration, held: Timestamp?) -> Bool {
        guard !self.isStale, now.duration(since: max(self.heard, held ?? self.heard)) > limit else { return false }
        self.isStale = true
        return true
    }
}

/// Numbers that a source left out.
package struct SourceGap: Sendable, Equatable {
    package var source: String
    package var missing: ClosedRange<Int>

    package init(source: String, missing: ClosedRange<Int>) {
        self.source = source
        self.missing = missing
    }
}
