// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Finds messages that were sent before: each node counts its messages, and says when it sent them.
///
/// A node that was not heard of for as long as messages are fresh is forgotten: whatever it sent before is too old by
/// then. So what is kept is bounded by the nodes that send at the same time.
struct HeardNodes: Sendable {
    enum OnMessage: Equatable {
        case new
        /// It was heard before, or one that was sent after it.
        case repeated
        /// By its time it was sent long ago, or will be.
        case untimely
    }

    /// How much older or younger than this node's clock a message may be. Waiting for a slow receiver takes its time,
    /// and Redis ends that after half a minute.
    static let freshness: Duration = .seconds(60)
    /// Nodes that are told apart at most.
    static let limit = 1_024

    private var nodes: [InstanceID: (counter: UInt64, heard: Timestamp)] = [:]

    /// A message came, and is what one of the nodes has sent.
    mutating func received(_ counter: UInt64, of sender: InstanceID, sent: Timestamp, now: Timestamp) -> OnMessage {
        let age = now.duration(since: sent)
        guard age <= Self.freshness, age >= .zero - Self.freshness else { return .untimely }
        if let known = self.nodes[sender], counter <= known.counter { return .repeated }
        if self.nodes[sender] == nil, self.nodes.count >= Self.limit { self.forget(now: now) }
        self.nodes[sender] = (counter, now)
        return .new
    }

    private mutating func forget(now: Timestamp) {
        // Twice, as a message may be of a clock that is ahead.
        self.nodes = self.nodes.filter { now.duration(since: $0.value.heard) <= Self.freshness * 2 }
        while self.nodes.count >= Self.limit, let oldest = self.nodes.min(by: { $0.value.heard < $1.value.heard }) {
            self.nodes[oldest.key] = nil
        }
    }
}
