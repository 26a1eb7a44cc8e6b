// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore

/// Counters and histograms of the writer since the process started.
package struct WriterFigures: Sendable {
    package enum Result: String, Sendable, CaseIterable {
        case accepted
        case duplicate
        /// Event of a request rejected because an id is already taken.
        case conflict
        /// Event of a request whose content the tape rejected.
        case refused
        /// Event of a request that could not be committed.
        case failed
    }

    /// Events by type name and result. Only declared types occur.
    package private(set) var events: [String: [Result: Int]] = [:]
    /// Duration of a transaction.
    package private(set) var commit = Histogram(.latency)
    /// Events per transaction.
    package private(set) var batch = Histogram(.count)
    /// Time between an event and its commit: the publisher's clock against this node's clock.
    package private(set) var age = Histogram(.age)

    package init() {}

    mutating func committed(_ requests: [[Event]], _ outcomes: [AppendOutcome], took: TimeAmount, now: Timestamp) {
        self.commit.observe(took)
        var events = 0
        for (request, outcome) in zip(requests, outcomes) {
            events += request.count
            switch outcome {
            case .conflict:
                self.count(request, .conflict)
            case .refused:
                self.count(request, .refused)
            case .committed(let receipts):
                for (event, receipt) in zip(request, receipts) {
                    self.count(event, receipt.status == .accepted ? .accepted : .duplicate)
                    self.age.observe(now.duration(since: event.time))
                }
            }
        }
        self.batch.observe(Double(events))
    }

    mutating func failed(_ requests: [[Event]]) {
        for request in requests { self.count(request, .failed) }
    }

    private mutating func count(_ events: [Event], _ result: Result) {
        for event in events { self.count(event, result) }
    }

    private mutating func count(_ event: Event, _ result: Result) {
        self.events[event.type, default: [:]][result, default: 0] += 1
    }
}
