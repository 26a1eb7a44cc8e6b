// SPDX-License-Identifier: Apache-2.0

/// The health of a source.
package struct SourceReport: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// Reports new facts as they happen.
        case following
        /// Reads what it has missed.
        case catchingUp
        /// Receives nothing, or only outdated data.
        case stale
        /// Stopped until an operator acts.
        case stopped
    }

    /// The `source` of its events: `chain:mainnet`, `rate:binance`.
    package var name: String
    /// The event types it publishes.
    package var types: [String]
    package var state: State
    /// The position it has read up to, in its own unit: a block number, nanoseconds of consensus time.
    package var position: Int?
    /// The newest position available, in the same unit.
    package var head: Int?
    /// Events committed since it started on this node.
    package var events: Int
    /// The age of the newest data it has read.
    package var lag: Duration?
    /// A description of the problem for operators; empty if there is none.
    package var trouble: String
    /// Rejected data since it started on this node, by reason.
    package var refusals: [String: Int]
    /// The endpoints it uses, the preferred one first; their number is set by the configuration.
    package var endpoints: [EndpointReport]
    package var time: Timestamp

    package init(
        name: String,
        types: [String],
        state: State,
        position: Int? = nil,
        head: Int? = nil,
        events: Int = 0,
        lag: Duration? = nil,
        trouble: String = "",
        refusals: [String: Int] = [:],
        endpoints: [EndpointReport] = [],
        time: Timestamp = .now
    ) {
        self.name = name
        self.types = types
        self.state = state
        self.position = position
        self.head = head
        self.events = events
        self.lag = lag
        self.trouble = trouble
        self.refusals = refusals
        self.endpoints = endpoints
        self.time = time
    }

    package var isStale: Bool {
        self.state == .stale || self.state == .stopped
    }
}
