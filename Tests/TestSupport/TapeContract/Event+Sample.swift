// SPDX-License-Identifier: Apache-2.0

package import EventLog

extension Event {
    /// An event as the validator returns it.
    package static func sample(
        _ id: String,
        on keys: String...,
        type: String = "note",
        source: String = "test",
        slot: String = "",
        data: String = #"{"a":1}"#
    ) -> Event {
        Event.sample(id, keys: keys, type: type, source: source, slot: slot, data: Array(data.utf8))
    }

    /// An event as the validator returns it.
    package static func sample(
        _ id: String,
        keys: [String],
        type: String = "note",
        source: String = "test",
        slot: String = "",
        data: [UInt8]
    ) -> Event {
        let time = Timestamp(nanoseconds: 1_700_000_000_123_456_789)
        return Event(
            id: id,
            source: source,
            type: type,
            keys: keys,
            time: time,
            data: data,
            slot: slot,
            fingerprint: Fingerprint(type: type, keys: keys, time: time, data: data)
        )
    }
}

extension ChannelName {
    /// A channel of the type that samples have.
    static func note(_ key: String) -> ChannelName {
        ChannelName(type: "note", key: key)
    }
}
