// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Records the stages of an event on this node: accepted, committed, delivered.
package struct Tracing: Sendable {
    /// Receives a completed span. Called from any thread; must not block.
    package typealias Record = @Sendable (Span) -> Void

    /// Share of the requests without a `traceparent` that start a trace, from 0 to 1.
    private let sampled: Double
    private let record: Record

    package init(sampled: Double, record: @escaping Record) {
        self.sampled = sampled
        self.record = record
    }

    /// A publish request in progress.
    package struct Accepting: Sendable {
        package let context: TraceContext
        fileprivate let parentID: String?
        fileprivate let start: Timestamp
    }

    /// A publish request arrived.
    /// - Parameter parent: The trace context it came with.
    /// - Returns: Nil if it is not recorded.
    package func accept(_ parent: TraceContext?, now: Timestamp = .now) -> Accepting? {
        if let parent {
            return parent.isSampled ? Accepting(context: parent.child(), parentID: parent.spanID, start: now) : nil
        }
        guard self.sampled > 0, Double.random(in: 0..<1) < self.sampled else { return nil }
        return Accepting(context: .begin(), parentID: nil, start: now)
    }

    /// The request was answered.
    /// - Parameters:
    ///   - way: The transport of the request.
    ///   - failure: The error code, if it was rejected.
    package func accepted(_ accepting: Accepting, by way: String, failure: String?, now: Timestamp = .now) {
        self.record(
            Span(
                "accept",
                .server,
                accepting.context,
                parentID: accepting.parentID,
                from: accepting.start,
                to: now,
                [("broadtape.way", .text(way))],
                failure: failure
            )
        )
    }

    /// A transaction ended that contained events of these traces.
    func committed(_ contexts: Set<TraceContext>, events: Int, from start: Timestamp, to end: Timestamp, failed: Bool) {
        for context in contexts where context.isSampled {
            self.record(
                Span(
                    "commit",
                    .within,
                    context.child(),
                    parentID: context.spanID,
                    from: start,
                    to: end,
                    [("broadtape.batch", .integer(events))],
                    failure: failed ? "unavailable" : nil
                )
            )
        }
    }

    /// Frames of these traces were written to the connections of a loop.
    func delivered(_ contexts: Set<TraceContext>, on loop: Int, from start: Timestamp, to end: Timestamp) {
        for context in contexts where context.isSampled {
            self.record(
                Span(
                    "fan-out",
                    .producer,
                    context.child(),
                    parentID: context.spanID,
                    from: start,
                    to: end,
                    [("broadtape.loop", .integer(loop))]
                )
            )
        }
    }
}
