// SPDX-License-Identifier: Apache-2.0

import JSON

/// The state of the fan-in that a tape stores besides the log.
///
/// For implementers: all methods may be called concurrently. ``setAside(_:)``, ``note(_:)`` and ``sourceMarks()`` are
/// also called in a cancelled task, during a hand-over, and must still do their work.
package protocol FanInStore: Sendable {
    /// Runs work under a named lock shared by all processes that use the tape. Waits for the lock, and releases it when
    /// the work returns, when the task is cancelled, or when the process dies.
    ///
    /// If it can no longer be sure to hold the lock, it cancels the work, waits for it to return, and throws.
    func withLeadership(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault)

    /// Stores messages that could not become events, for inspection by an operator. Beyond ``DeadLetter/kept``, the
    /// oldest are deleted.
    func setAside(_ deadLetters: [DeadLetter]) async throws(TapeFault)

    /// The dead letters, newest first.
    func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter]

    /// The progress of each source.
    func sourceMarks() async throws(TapeFault) -> [SourceMark]

    /// Stores the progress of sources; a mark replaces an earlier one of the same source.
    func note(_ marks: [SourceMark]) async throws(TapeFault)

    /// Deletes sources whose last message is older than a time.
    func forgetSources(heardBefore time: Timestamp) async throws(TapeFault)
}

/// A message that could not become events.
package struct DeadLetter: Sendable, Equatable {
    /// Maximum number of dead letters kept on a tape.
    package static let kept = 10_000
    /// Maximum length of ``payload``; longer ones are truncated.
    package static let maxPayload = 64 << 10
    /// Maximum length of ``channel`` and ``reason``, in scalars; longer ones are truncated.
    package static let maxText = 1 << 10

    package var received: Timestamp
    /// The bus channel it was received on.
    package var channel: String
    package var payload: [UInt8]
    /// Why it was rejected.
    package var reason: String

    package init(received: Timestamp, channel: String, payload: [UInt8], reason: String) {
        self.received = received
        self.channel = channel.cut(to: Self.maxText)
        self.payload = Array(payload.prefix(Self.maxPayload))
        self.reason = reason.cut(to: Self.maxText)
    }
}

/// The progress of one source of the fan-in.
package struct SourceMark: Sendable, Equatable {
    /// Maximum length of the source, in UTF-8 bytes.
    package static let maxSourceLength = 256
    /// Maximum number of event types stored per source.
    package static let maxTypes = 16

    package var source: String
    /// The highest `sourceSeq` received; nil if the source does not number its messages.
    package var seq: Int?
    /// When the last message was received.
    package var heard: Timestamp
    /// The event types it publishes, ascending, at most ``maxTypes``. Their subscribers are notified when it becomes
    /// stale.
    package var types: [String]

    package init(source: String, seq: Int?, heard: Timestamp, types: [String] = []) {
        self.source = source
        self.seq = seq
        self.heard = heard
        self.types = types
    }
}

/// A source of events other than requests: the interface between the hub and external publishers on the bus.
package protocol FanInSource: Sendable {
    /// Listens until the task is cancelled; reconnects when the connection is lost.
    /// - Parameter receive: Called for one message at a time. The source is paused until it returns.
    func run(_ receive: @Sendable (FanInMessage) async -> Void) async
}

/// A message of an external publisher, not parsed yet.
package struct FanInMessage: Sendable, Equatable {
    /// The channel it was published on: `rate.binance`.
    package var channel: String
    /// JSON: one event or an array of events, if the publisher follows the format.
    package var payload: [UInt8]

    package init(channel: String, payload: [UInt8]) {
        self.channel = channel
        self.payload = payload
    }
}
