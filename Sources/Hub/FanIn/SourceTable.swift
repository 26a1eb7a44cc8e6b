// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// The sources of the fan-in, up to a limit.
package struct SourceTable: Sendable {
    private var tracks: [ExactText: SourceTrack] = [:]
    /// Sources whose marks have changed since ``takeMarks()`` was last called.
    private var unmarked: Set<ExactText> = []
    private var held: Timestamp?
    private let limit: Int

    /// - Parameter limit: Maximum number of sources.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Applies stored marks, which may be from another node.
    package mutating func learn(_ marks: [SourceMark]) {
        for mark in marks {
            let source = ExactText(mark.source)
            if self.tracks[source] != nil {
                self.tracks[source]?.learn(mark)
            } else if self.tracks.count < self.limit {
                self.tracks[source] = SourceTrack(mark)
            }
        }
    }

    package var count: Int {
        self.tracks.count
    }

    package subscript(_ source: String) -> SourceTrack? {
        self.tracks[ExactText(source)]
    }

    /// Records a message of a source.
    /// - Parameter isNew: Whether an unknown source is added.
    /// - Returns: Nil if the source is not tracked.
    package mutating func heard(
        _ number: SourceNumber,
        at time: Timestamp,
        takesUp isNew: Bool
    ) -> SourceTrack.OnHeard? {
        let source = ExactText(number.source)
        guard var track = self.tracks[source] ?? self.newTrack(isNew, at: time) else { return nil }
        let onHeard = track.heard(seq: number.seq, types: number.types, at: time)
        self.tracks[source] = track
        self.unmarked.insert(source)
        return onHeard
    }

    private func newTrack(_ isNew: Bool, at time: Timestamp) -> SourceTrack? {
        isNew && self.tracks.count < self.limit ? SourceTrack(heard: time) : nil
    }

    /// No source could be received until now: silence up to this time does not count.
    package mutating func held(until time: Timestamp) {
        self.held = max(self.held ?? time, time)
    }

    /// Updates staleness to the current time.
    /// - Returns: The sources that have become stale since the last check.
    package mutating func checked(at now: Timestamp, limit: Duration) -> [String] {
        var silent: [ExactText] = []
        for (source, var track) in self.tracks where track.checked(at: now, limit: limit, held: self.held) {
            self.tracks[source] = track
            silent.append(source)
        }
        return silent.sorted().map(\.text)
    }

    /// Removes sources whose last message is older than a time.
    /// - Returns: The number of removed sources.
    package mutating func forget(heardBefore time: Timestamp) -> Int {
        let before = self.tracks.count
        self.tracks = self.tracks.filter { $0.value.heard >= time }
        self.unmarked.formIntersection(self.tracks.keys)
        return before - self.tracks.count
    }

    /// The sources after a name, ascending by name, up to a limit.
    package func reports(after name: String = "", limit: Int) -> [FanInSourceReport] {
        self.tracks.lazy.filter { $0.key > ExactText(name) }.sorted { $0.key < $1.key }.prefix(limit).map {
            name,
            track in
            FanInSourceReport(
                name: name.text,
                seq: track.seq,
                heard: track.heard,
                types: track.types,
                isStale: track.isStale
            )
        }
    }

    /// The stale sources, ascending.
    package var stale: [StaleSource] {
        self.tracks.filter(\.value.isStale).sorted { $0.key < $1.key }
            .map { StaleSource(name: $0.key.text, types: $0.value.types) }
    }

    /// The marks that have changed since this was last called.
    package mutating func takeMarks() -> [SourceMark] {
        defer { self.unmarked = [] }
        return self.unmarked.sorted().compactMap { source in
            self.tracks[source].map {
                SourceMark(source: source.text, seq: $0.seq, heard: $0.heard, types: $0.types)
            }
        }
    }

    /// Marks could not be stored; they are returned again by the next ``takeMarks()``.
    package mutating func putBack(_ marks: [SourceMark]) {
        self.unmarked.formUnion(marks.map { ExactText($0.source) }.filter { self.tracks[$0] != nil })
    }
}

/// What a message says about one of its sources.
package struct SourceNumber: Sendable, Equatable {
    package var source: String
    package var seq: Int?
    /// The types of its events.
    package var types: [String]
    /// Whether messages of the source are accepted only in order (`"sourceOrder": "strict"`).
    package var isStrict: Bool
    /// Whether the messages before this one are no longer available (`"sourceFirst": true`).
    package var isFirst: Bool

    package init(source: String, seq: Int?, types: [String], isStrict: Bool = false, isFirst: Bool = false) {
        self.source = source
        self.seq = seq
        self.types = types
        self.isStrict = isStrict
        self.isFirst = isFirst
    }
}

/// A source of the fan-in, as shown to operators.
package struct FanInSourceReport: Sendable, Equatable {
    package var name: String
    /// The highest number received; nil if the source does not number its messages.
    package var seq: Int?
    /// When the last message was received.
    package var heard: Timestamp
    /// The event types it publishes.
    package var types: [String]
    package var isStale: Bool
}

/// A stale source, and the event types whose subscribers are notified.
package struct StaleSource: Sendable, Equatable {
    package var name: String
    package var types: [String]

    package init(name: String, types: [String]) {
        self.name = name
        self.types = types
    }
}
