// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Detects replayed messages by their number and time, which each node adds to its messages.
///
/// A node that has sent nothing for longer than messages are fresh is removed, because all of its messages are too old
/// by then. The state is therefore bounded by the number of active nodes.
struct HeardNodes: Sendable {
    enum OnMessage: Equatable {
        case new
        /// It was received before, or a later one was.
        case repeated
        /// Its time is too far in the past or in the future.
        case untimely
    }

    /// Maximum difference between a message's time and this node's clock. Messages may wait for a slow receiver, which
    /// Redis disconnects after half a minute.
    static let freshness: Duration = .seconds(60)
    /// Maximum number of nodes tracked.
    static let limit = 1_024

    private var nodes: [InstanceID: (counter: UInt64, heard: Timestamp)] = [:]

    /// Checks a received message with a valid seal.
    mutating func received(_ counter: UInt64, of sender: InstanceID, sent: Timestamp, now: Timestamp) -> OnMessage {
        let age = now.duration(since: sent)
        guard age <= Self.freshness, age >= .zero - Self.freshness else { return .untimely }
        if let known = self.nodes[sender], counter <= known.counter { return .repeated }
        if self.nodes[sender] == nil, self.nodes.count >= Self.limit { self.forget(now: now) }
        self.nodes[sender] = (counter, now)
        return .new
    }

    private mutating func forget(now: Timestamp) {
        // Twice, because the sender's clock may be ahead.
        self.nodes = self.nodes.filter { now.duration(since: $0.value.heard) <= Self.freshness * 2 }
        while self.nodes.count >= Self.limit, let oldest = self.nodes.min(by: { $0.value.heard < $1.value.heard }) {
            self.nodes[oldest.key] = nil
        }
    }
}
