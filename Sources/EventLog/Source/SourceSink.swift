// SPDX-License-Identifier: Apache-2.0

/// Where a source's events go together with its place: the tape of a hub, or the outbox of a process of its own.
///
/// For implementers: called by one source, one call at a time. What ``commit(_:_:)`` returns as committed is durable,
/// the events and the step together.
package protocol SourceSink: Sendable {
    /// What a source remembers under names with a prefix.
    func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState

    /// Commits events, in order, and a step.
    /// - Throws: When it is not known to be committed; reading the state anew tells.
    func commit(_ events: [SourceEvent], _ step: SourceStep) async throws(SinkFault)
}

/// Why a step was not taken. The texts are for operators.
package enum SinkFault: Error, Sendable, Equatable {
    /// It cannot be written just now, or it is not known whether it was.
    case unavailable(String)
    /// Another process has gone on with this source.
    case moved
    /// Other content stands under the ids of these events.
    case conflict([String])
    /// The storage cannot hold what is in the step, and will not the next time.
    case refused(String)
}
