// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// The sources of the fan-in, as many as there is room for.
package struct SourceTable: Sendable {
    private var tracks: [ExactText: SourceTrack] = [:]
    /// Sources whose marks have changed since they were taken last.
    private var unmarked: Set<ExactText> = []
    private var held: Timestamp?
    private let limit: Int

    /// - Parameter limit: Most sources.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Takes in what was noted, perhaps by another node.
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

    /// A message of a source came.
    /// - Parameter isNew: Whether a source that was not known is taken up.
    /// - Returns: Nil when the source is not tracked.
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

    /// Nothing could be heard of any source until now: their silence does not count.
    package mutating func held(until time: Timestamp) {
        self.held = max(self.held ?? time, time)
    }

    /// Time has passed.
    /// - Returns: The sources that have become stale by this.
    package mutating func checked(at now: Timestamp, limit: Duration) -> [String] {
        var silent: [ExactText] = []
        for (source, var track) in self.tracks where track.checked(at: now, limit: limit, held: self.held) {
            self.tracks[source] = track
            silent.append(source)
        }
        return silent.sorted().map(\.text)
    }

    /// Forgets sources that were last heard of before a time.
    /// - Returns: How many.
    package mutating func forget(heardBefore time: Timestamp) -> Int {
        let before = self.tracks.count
        self.tracks = self.tracks.filter { $0.value.heard >= time }
        self.unmarked.formIntersection(self.tracks.keys)
        return before - self.tracks.count
    }

    /// The sources, ascending by name after one, at most so many.
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

    /// The sources that are stale, ascending.
    package var stale: [StaleSource] {
        self.tracks.filter(\.value.isStale).sorted { $0.key < $1.key }
            .map { StaleSource(name: $0.key.text, types: $0.value.types) }
    }

    /// The marks that have changed since this was called last.
    package mutating func takeMarks() -> [SourceMark] {
        defer { self.unmarked = [] }
        return self.unmarked.sorted().compactMap { source in
            self.tracks[source].map {
                SourceMark(source: source.text, seq: $0.seq, heard: $0.heard, types: $0.types)
            }
        }
    }

    /// Marks that were taken could not be noted; they are taken again.
    package mutating func putBack(_ marks: [SourceMark]) {
        self.unmarked.formUnion(marks.map { ExactText($0.source) }.filter { self.tracks[$0] != nil })
    }
}

/// What a message says of one of its sources.
package struct SourceNumber: Sendable, Equatable {
    package var source: String
    package var seq: Int?
    /// The types of its events.
    package var types: [String]
    /// Whether the source's messages are to be taken in in order only (`"sourceOrder": "strict"`).
    package var isStrict: Bool
    /// Whether the messages before this one cannot be had any more (`"sourceFirst": true`).
    package var isFirst: Bool

    package init(source: String, seq: Int?, types: [String], isStrict: Bool = false, isFirst: Bool = false) {
        self.source = source
        self.seq = seq
        self.types = types
        self.isStrict = isStrict
        self.isFirst = isFirst
    }
}

/// A source of the fan-in as an operator sees it.
package struct FanInSourceReport: Sendable, Equatable {
    package var name: String
    /// The highest number it gave; nil when it gives none.
    package var seq: Int?
    /// When it was last heard of.
    package var heard: Timestamp
    /// The event types it feeds.
    package var types: [String]
    package var isStale: Bool
}

/// A source that has fallen silent, and the event types whose subscribers are to know.
package struct StaleSource: Sendable, Equatable {
    package var name: String
    package var types: [String]

    package init(name: String, types: [String]) {
        self.name = name
        self.types = types
    }
}
