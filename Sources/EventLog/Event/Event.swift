// SPDX-License-Identifier: Apache-2.0

/// One immutable fact, checked against its type and ready to be appended.
package struct Event: Sendable, Equatable {
    /// The publisher's name for the fact; unique within ``source`` for as long as the event is retained.
    package var id: String
    /// Who says so: names the id's namespace.
    package var source: String
    /// Name of the ``EventType``.
    package var type: String
    /// The keys whose channels the event appears on: at least one, each once, in the publisher's order.
    package var keys: [String]
    /// When it happened, by the publisher's clock, or when the hub accepted it if the publisher did not say.
    package var time: Timestamp
    /// The `data` object as compact JSON, otherwise as it was published.
    package var data: [UInt8]
    /// What conflation keeps one newest of within a channel: the currency of a balance; empty where the channel is one
    /// thing.
    package var slot: String
    /// What it changes beside the log: its type's ``EventType/projection``.
    package var projection: Projection?
    /// The trace it belongs to; no part of what makes it the same event when it is sent again.
    package var trace: TraceContext?
    /// Tells the same event sent again from another one under the same id.
    package var fingerprint: Fingerprint

    package init(
        id: String,
        source: String,
        type: String,
        keys: [String],
        time: Timestamp,
        data: [UInt8],
        slot: String,
        projection: Projection? = nil,
        trace: TraceContext? = nil,
        fingerprint: Fingerprint
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.keys = keys
        self.time = time
        self.data = data
        self.slot = slot
        self.projection = projection
        self.trace = trace
        self.fingerprint = fingerprint
    }

    /// The channels of ``keys``, in the same order.
    package var channels: [ChannelName] {
        self.keys.map { ChannelName(type: self.type, key: $0) }
    }
}
