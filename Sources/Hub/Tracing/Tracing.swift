// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Records what becomes of events on their way through the node: accepted, committed, told.
package struct Tracing: Sendable {
    /// Takes a span that is over; called from any thread, must not block.
    package typealias Record = @Sendable (Span) -> Void

    /// Part of the requests without a `traceparent` for which a trace is begun, from 0 to 1.
    private let sampled: Double
    private let record: Record

    package init(sampled: Double, record: @escaping Record) {
        self.sampled = sampled
        self.record = record
    }

    /// A request to publish that is being worked on.
    package struct Accepting: Sendable {
        package let context: TraceContext
        fileprivate let parentID: String?
        fileprivate let start: Timestamp
    }

    /// A request to publish arrived.
    /// - Parameter parent: What it came with.
    /// - Returns: Nil when it is not recorded.
    package func accept(_ parent: TraceContext?, now: Timestamp = .now) -> Accepting? {
        if let parent {
            return parent.isSampled ? Accepting(context: parent.child(), parentID: parent.spanID, start: now) : nil
        }
        guard self.sampled > 0, Double.random(in: 0..<1) < self.sampled else { return nil }
        return Accepting(context: .begin(), parentID: nil, start: now)
    }

    /// It was answered.
    /// - Parameters:
    ///   - way: How it came.
    ///   - failure: The code of the error, if it was refused.
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

    /// A transaction ended that had events of these traces.
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
    func told(_ contexts: Set<TraceContext>, on loop: Int, from start: Timestamp, to end: Timestamp) {
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
