// SPDX-License-Identifier: Apache-2.0

/// One immutable fact, validated against its type and ready to be appended.
package struct Event: Sendable, Equatable {
    /// The publisher's id for the fact; unique within ``source`` for as long as the event is retained.
    package var id: String
    /// Who published it; the namespace of ``id``.
    package var source: String
    /// Name of the ``EventType``.
    package var type: String
    /// The keys of the channels the event appears on: at least one, without duplicates, in the publisher's order.
    package var keys: [String]
    /// When it happened, by the publisher's clock; the time of acceptance if the publisher gave none.
    package var time: Timestamp
    /// The `data` object as compact JSON, otherwise unchanged.
    package var data: [UInt8]
    /// The conflation slot within a channel, such as the currency of a balance; empty if the channel has a single slot.
    package var slot: String
    /// The tables it updates besides the log; see ``EventType/projection``.
    package var projection: Projection?
    /// The trace it belongs to. Not part of the event's identity: the same event may be sent again in another trace.
    package var trace: TraceContext?
    /// Distinguishes a repetition of the same event from a different event with the same id.
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

    /// The channels for ``keys``, in the same order.
    package var channels: [ChannelName] {
        self.keys.map { ChannelName(type: self.type, key: $0) }
    }
}
