// SPDX-License-Identifier: Apache-2.0

/// Stores the checkpoints of sources on the tape: the interface that commits a source's checkpoint together with its
/// events.
///
/// A source is anything that reads facts in an order of their own, such as a blockchain. Its state is a set of named
/// entries that change only in steps. The changes of a step are committed atomically with its events, so a source that
/// was killed continues exactly where its events end.
///
/// For implementers: ``append(_:with:)`` is never called concurrently with itself or ``Tape/append(_:)``; in a hub only
/// by the ``TapeWriter``. The other methods are called by any caller at any time.
package protocol SourceStore: Sendable {
    /// Ensures that one node at a time runs a source; see ``FanInStore/withLeadership(_:_:)``.
    func withLeadership(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault)

    /// The state of a source: the entries whose names begin with a prefix. Version 0 without entries if it never
    /// committed a step.
    func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState

    /// The entries after a name whose names begin with a prefix, ordered by name.
    func entries(of source: String, prefix: String, after name: String, limit: Int) async throws(TapeFault)
        -> [SourceEntry]

    /// Appends events as one request (see ``Tape/append(_:)``) together with a step, in one transaction. A conflict
    /// changes nothing. A step that is already committed is not applied again, and its events are reported as
    /// duplicates. If content is rejected, the result names the events at fault.
    func append(_ events: [Event], with step: SourceStep) async throws(TapeFault) -> StepOutcome
}

/// A named entry in the state of a source.
package struct SourceEntry: Sendable, Equatable {
    /// Maximum length of the name, in UTF-8 bytes.
    package static let maxNameLength = 256

    package var name: String
    package var value: [UInt8]

    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// The stored state of a source.
package struct SourceState: Sendable, Equatable {
    /// Number of committed steps.
    package var version: Int
    /// Ascending by name.
    package var entries: [SourceEntry]

    package init(version: Int = 0, entries: [SourceEntry] = []) {
        self.version = version
        self.entries = entries
    }
}

/// One step of a source: a change of its state.
package struct SourceStep: Sendable, Equatable {
    package var source: String
    /// The ``SourceState/version`` the step applies to. It is not committed on any other version.
    package var version: Int
    /// Distinguishes this step from another step with the same version.
    package var token: Int
    /// Entries to insert or replace.
    package var puts: [SourceEntry]
    /// Names of entries to delete.
    package var removals: [String]
    /// Messages that could not become events.
    package var deadLetters: [DeadLetter]

    package init(
        source: String,
        version: Int,
        token: Int = .random(in: 1 ... .max),
        puts: [SourceEntry] = [],
        removals: [String] = [],
        deadLetters: [DeadLetter] = []
    ) {
        self.source = source
        self.version = version
        self.token = token
        self.puts = puts
        self.removals = removals
        self.deadLetters = deadLetters
    }
}

/// The result of a step.
package enum StepOutcome: Sendable, Equatable {
    /// The step is committed and all its events are stored.
    case committed([Receipt])
    /// Nothing was changed: the ids of these events are used for different content.
    case conflict(items: [Int])
    /// Nothing was changed: another process has advanced the source to a different version.
    case moved
    /// Nothing was changed: the storage rejects the content of these events, ascending; empty if the step itself is at
    /// fault.
    case refused(items: [Int], ContentRefusal)
}

/// The destination of a source's events and its checkpoint: the tape of a hub, or the outbox of a separate process.
///
/// For implementers: called by one source, one call at a time. When ``commit(_:_:)`` returns, the events and the step
/// are durable.
package protocol SourceSink: Sendable {
    /// The entries in the state of a source whose names begin with a prefix.
    func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState

    /// Commits events, in order, together with a step.
    /// - Throws: If the outcome is unknown or the commit failed. Reading the state again shows which.
    func commit(_ events: [SourceEvent], _ step: SourceStep) async throws(SinkFault)
}

/// Why a step was not committed. The texts are for operators.
package enum SinkFault: Error, Sendable, Equatable {
    /// It cannot be written at the moment, or it is not known whether it was written.
    case unavailable(String)
    /// Another process has advanced this source.
    case moved
    /// The ids of these events are used for different content.
    case conflict([String])
    /// The storage rejects the content of the step, and would reject it again.
    case refused(String)
}
