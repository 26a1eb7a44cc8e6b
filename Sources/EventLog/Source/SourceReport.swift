// SPDX-License-Identifier: Apache-2.0

/// How a source is.
package struct SourceReport: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// It tells of what happens as it happens.
        case following
        /// It reads what it has missed.
        case catchingUp
        /// Nothing comes, or what comes is too old.
        case stale
        /// It waits for an operator.
        case stopped
    }

    /// As the `source` of its events: `chain:mainnet`, `rate:binance`.
    package var name: String
    /// The event types that it feeds.
    package var types: [String]
    package var state: State
    /// How far it has read, in its own unit: a block's number, nanoseconds of consensus time.
    package var position: Int?
    /// How far there is to read, in the same unit.
    package var head: Int?
    /// Events it has committed since it began here.
    package var events: Int
    /// How old the newest of what it has read is.
    package var lag: Duration?
    /// What is wrong, for operators; empty when nothing is.
    package var trouble: String
    /// What was not taken since it began here, by reason.
    package var refusals: [String: Int]
    /// The endpoints that it asks, the preferred one first; bounded by the configuration.
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
