// SPDX-License-Identifier: Apache-2.0

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
