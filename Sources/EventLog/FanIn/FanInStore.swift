// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a tape keeps for the fan-in beside the log.
///
/// For implementers: all methods may be called at once. ``setAside(_:)``, ``note(_:)`` and ``sourceMarks()`` are also
/// called in a task that has been cancelled, at a hand-over, and are to do their work nevertheless.
package protocol FanInStore: Sendable {
    /// Runs work while no other process that has the tape runs work of the same name: waits for its turn, and gives
    /// the turn back when the work returns, when the task is cancelled, or when the process dies.
    ///
    /// When it can no longer be sure to be the only one, it cancels the work, waits for it to return, and throws.
    func whileAlone(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault)

    /// Keeps messages that could not become events, for an operator to look at. The oldest are forgotten past
    /// ``DeadLetter/kept``.
    func setAside(_ letters: [DeadLetter]) async throws(TapeFault)

    /// What was set aside, newest first.
    func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter]

    /// How far each source has come.
    func sourceMarks() async throws(TapeFault) -> [SourceMark]

    /// Notes how far sources have come; a mark replaces the one of the same source.
    func note(_ marks: [SourceMark]) async throws(TapeFault)

    /// Forgets sources that were last heard of before a time.
    func forgetSources(heardBefore time: Timestamp) async throws(TapeFault)
}

/// A message that could not become events.
package struct DeadLetter: Sendable, Equatable {
    /// Letters that a tape keeps at most.
    package static let kept = 10_000
    /// Longest ``payload``; what is longer is cut.
    package static let maxPayload = 64 << 10
    /// Longest ``channel`` and ``reason``, in scalars; what is longer is cut.
    package static let maxText = 1 << 10

    package var received: Timestamp
    /// Where it came from: the channel of the bus.
    package var channel: String
    package var payload: [UInt8]
    /// What was wrong with it.
    package var reason: String

    package init(received: Timestamp, channel: String, payload: [UInt8], reason: String) {
        self.received = received
        self.channel = channel.cut(to: Self.maxText)
        self.payload = Array(payload.prefix(Self.maxPayload))
        self.reason = reason.cut(to: Self.maxText)
    }
}

/// How far a source of the fan-in has come.
package struct SourceMark: Sendable, Equatable {
    /// Longest source, in UTF-8 bytes.
    package static let maxSourceLength = 256
    /// Event types noted for one source at most.
    package static let maxTypes = 16

    package var source: String
    /// The highest `sourceSeq` that it sent; nil when it does not number its messages.
    package var seq: Int?
    /// When it was last heard of.
    package var heard: Timestamp
    /// The event types it feeds, ascending, at most ``maxTypes``: whose subscribers are told when it falls silent.
    package var types: [String]

    package init(source: String, seq: Int?, heard: Timestamp, types: [String] = []) {
        self.source = source
        self.seq = seq
        self.heard = heard
        self.types = types
    }
}
