// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A source of events as a ``SourceRunner`` runs it: one that reads facts in an order of their own, one step at a time.
///
/// A step reads what follows the stored checkpoint and commits it together with the next checkpoint in one call of
/// ``SourceSink/commit(_:_:)``. After a failed commit it reads the stored checkpoint again. So whatever ends a source,
/// the next node that runs it continues exactly where its events end, and of two that both believe they lead, one
/// commits and the other finds that the source has moved.
package protocol Source {
    /// The names it reports under: the `source` of its events.
    var names: [String] { get }

    /// Work that runs beside the steps until it is cancelled, such as a subscription that signals ``wakeSignal``.
    var companions: [@Sendable () async -> Void] { get }

    /// Ends an idle wait early.
    var wakeSignal: WakeSignal { get }

    /// Runs one step. Logs why it failed.
    /// - Parameter isPoll: Whether the wait before this step and those that follow it has passed in full; false before
    ///   the first wait and after a wake.
    mutating func step(isPoll: Bool) async -> SourceProgress

    /// The health of the source after a step, one report for each of ``names``.
    mutating func reports() async -> [SourceReport]

    /// Logs how far it is; called periodically, after a step that did not fail.
    func logProgress() async
}

extension Source {
    package func logProgress() async {}
}

/// The outcome of a step.
package enum SourceProgress: Sendable, Equatable {
    /// There is more to read now.
    case advanced
    /// It has everything there is. The next step is due after this time, or when the source is woken.
    case idle(for: Duration)
    /// It failed. The next step is due after a delay that grows with each failure, and not before this time.
    case failed(retryAfter: Duration = .zero)
    /// An endpoint failed, and another one is to be asked at once.
    case failedOver
    /// Another process has continued the source: this node gives up the leadership.
    case superseded
    /// It does not continue until an operator has decided. This node gives up the leadership after a while, so that
    /// another node, or the operator, can take over.
    case halted
}
