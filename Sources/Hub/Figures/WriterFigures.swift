// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore

/// What the writer has counted since the start.
package struct WriterFigures: Sendable {
    package enum Result: String, Sendable, CaseIterable {
        case accepted
        case duplicate
        /// Of a request that was refused for a taken id.
        case conflict
        /// Of a request that was refused by the tape for what is in it.
        case refused
        /// Of a request that could not be committed.
        case failed
    }

    /// Events by the name of their type, which is one of those declared, and what became of them.
    package private(set) var events: [String: [Result: Int]] = [:]
    /// Time that a transaction took.
    package private(set) var commit = Histogram(.latency)
    /// Events of one transaction.
    package private(set) var batch = Histogram(.count)
    /// Time between an event and its commit, by the publisher's clock and ours.
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
