// SPDX-License-Identifier: Apache-2.0

/// What a tape keeps for sources that know where they are: the seam that commits a source's place together with its
/// events.
///
/// A source is anything that reads facts in an order of their own, such as a chain. What it has to remember is a set of
/// named entries, which change only in steps; a step's changes and its events are committed together or not at all, so
/// a source that was killed goes on exactly where its events end.
///
/// For implementers: ``append(_:with:)`` is called by the ``TapeWriter`` only, never beside ``Tape/append(_:)``; the
/// others by anybody at any time.
package protocol SourceStore: Sendable {
    /// See ``FanInStore/whileAlone(_:_:)``: so that one node at a time runs a source.
    func whileAlone(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault)

    /// What a source remembers: the entries whose names begin with a prefix; version 0 and nothing for one that never
    /// took a step.
    func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState

    /// Entries in the order of their names, after a name, of those that begin with a prefix.
    func entries(of source: String, prefix: String, after name: String, limit: Int) async throws(TapeFault)
        -> [SourceEntry]

    /// Appends events as one request (see ``Tape/append(_:)``) together with a step, in one transaction. With a conflict
    /// nothing is changed. A step that has been taken already is not taken again, and its events are found as
    /// duplicates. Where something is refused for what is in it, the events at fault are named.
    func append(_ events: [Event], with step: SourceStep) async throws(TapeFault) -> StepOutcome
}

/// A named thing that a source remembers.
package struct SourceEntry: Sendable, Equatable {
    /// Longest name, in UTF-8 bytes.
    package static let maxNameLength = 256

    package var name: String
    package var value: [UInt8]

    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// What a source remembers.
package struct SourceState: Sendable, Equatable {
    /// Counts the steps taken.
    package var version: Int
    /// Ascending by name.
    package var entries: [SourceEntry]

    package init(version: Int = 0, entries: [SourceEntry] = []) {
        self.version = version
        self.entries = entries
    }
}

/// One step of a source: what it remembers from then on.
package struct SourceStep: Sendable, Equatable {
    package var source: String
    /// The ``SourceState/version`` that it starts from; with any other it is not taken.
    package var version: Int
    /// Tells this step from another one from the same version.
    package var token: Int
    /// Entries made or replaced.
    package var puts: [SourceEntry]
    /// Names of entries that are no more.
    package var removals: [String]
    /// What could not become events.
    package var letters: [DeadLetter]

    package init(
        source: String,
        version: Int,
        token: Int = .random(in: 1 ... .max),
        puts: [SourceEntry] = [],
        removals: [String] = [],
        letters: [DeadLetter] = []
    ) {
        self.source = source
        self.version = version
        self.token = token
        self.puts = puts
        self.removals = removals
        self.letters = letters
    }
}

/// What became of a step.
package enum StepOutcome: Sendable, Equatable {
    /// It is taken, and all its events stand.
    case committed([Receipt])
    /// Nothing was changed: these events' ids are taken by other content.
    case conflict(items: [Int])
    /// Nothing was changed: the source has gone on without this process, and is now at another version.
    case moved
    /// Nothing was changed: the storage cannot hold what is in these events, ascending; none where the step itself is at
    /// fault.
    case refused(items: [Int], ContentRefusal)
}
