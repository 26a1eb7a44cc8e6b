// SPDX-License-Identifier: Apache-2.0

import Histogram
import NIOCore
import Synchronization

/// The results of publishing so far; written by publishers, read by the report.
final class Scoreboard: Sendable {
    struct Score: Sendable {
        /// Events handed to the hub at least once.
        var sent = 0
        var acknowledged = 0
        /// Acknowledged as known already: an earlier attempt had got through.
        var duplicates = 0
        /// Requests that were answered with 200.
        var requests = 0
        var firstSent: NIODeadline?
        var lastAcknowledged: NIODeadline?
        /// From when an event should have been sent to its acknowledgement, in nanoseconds.
        var latency = Crew.makeHistogram()
    }

    private let score = Mutex(Score())

    var now: Score { self.score.withLock { $0 } }

    func sent(_ count: Int, at time: NIODeadline) {
        self.score.withLock { score in
            score.sent += count
            score.firstSent = min(score.firstSent ?? time, time)
        }
    }

    /// - Parameter latencies: Of the events that are measured, in nanoseconds.
    func acknowledged(_ count: Int, _ latencies: [UInt64], duplicates: Int, at time: NIODeadline) {
        self.score.withLock { score in
            score.acknowledged += count
            score.duplicates += duplicates
            score.requests += 1
            score.lastAcknowledged = max(score.lastAcknowledged ?? time, time)
            for latency in latencies { score.latency.record(min(latency, Crew.longestLatency)) }
        }
    }
}
