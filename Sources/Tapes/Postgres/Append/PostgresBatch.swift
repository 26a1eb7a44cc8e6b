// SPDX-License-Identifier: Apache-2.0

import Hub

/// What one call appends, arranged for the database; the same for every attempt.
struct PostgresBatch: Sendable {
    struct Item: Sendable {
        let event: Event
        let key: EventKey
        /// Of `receipts`: 128 bits of SHA-256 over source and id, as `receipt_key` in the schema reckons them.
        let receipt: [UInt8]
        /// Indices in ``names``, in the order of the event's keys.
        let channels: [Int]
    }

    let requests: [[Item]]
    /// The channels of all events by bytes, each once: the order in which their rows are locked, on every node.
    let names: [ChannelName]

    init(_ requests: [[Event]]) {
        var places: [ChannelName: Int] = [:]
        for event in requests.joined() {
            for channel in event.channels { places[channel] = 0 }
        }
        let names = places.keys.sorted()
        for (index, name) in names.enumerated() { places[name] = index }
        self.names = names
        self.requests = requests.map { request in
            request.map { event in
                Item(
                    event: event,
                    key: EventKey(of: event),
                    receipt: Self.receipt(of: event),
                    channels: event.channels.compactMap { places[$0] }
                )
            }
        }
    }

    private static func receipt(of event: Event) -> [UInt8] {
        Array(Fingerprint(type: event.source, keys: [event.id], time: nil, data: []).bytes.prefix(16))
    }
}
