// SPDX-License-Identifier: Apache-2.0

import Histogram
import NIOCore

/// What the crews of a run found, together.
struct Findings: Sendable {
    var verdict = Ledger.Verdict()
    /// Numbers that were passed over, whether anybody acknowledged them or not.
    var holes = 0
    /// One per group of subscribers, for each phase.
    var latencies: [Histogram<UInt64>] = []
    var setUp = Crew.makeHistogram()
    var catchUps: [Histogram<UInt64>] = []
    var connectionsLost = 0
    var failedDials: [String: Int] = [:]
    var failures: [RunError] = []
    var lastDelivery: NIODeadline?
    var lastCaughtUp: NIODeadline?

    /// What one crew found.
    init(_ crew: Crew) {
        self.verdict = crew.ledger.verdict()
        self.holes = crew.ledger.holes
        self.latencies = crew.latencies
        self.setUp = crew.setUp
        self.catchUps = crew.catchUps
        self.connectionsLost = crew.connectionsLost
        self.failedDials = crew.failedDials
        self.failures = crew.failure.map { [$0] } ?? []
        self.lastDelivery = crew.lastDelivery
        self.lastCaughtUp = crew.lastCaughtUp
    }

    mutating func add(_ other: Findings) {
        self.verdict.add(other.verdict)
        self.holes += other.holes
        for index in self.latencies.indices where other.latencies.indices.contains(index) {
            self.latencies[index].add(other.latencies[index])
        }
        for index in self.catchUps.indices { self.catchUps[index].add(other.catchUps[index]) }
        self.setUp.add(other.setUp)
        self.connectionsLost += other.connectionsLost
        self.failedDials.merge(other.failedDials) { $0 + $1 }
        self.failures += other.failures.filter { !self.failures.contains($0) }
        self.lastDelivery = [self.lastDelivery, other.lastDelivery].compactMap(\.self).max()
        self.lastCaughtUp = [self.lastCaughtUp, other.lastCaughtUp].compactMap(\.self).max()
    }
}
