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
    /// The channels of all events, each once.
    let names: [ChannelName]

    init(_ requests: [[Event]]) {
        var names: [ChannelName] = []
        var places: [ChannelName: Int] = [:]
        self.requests = requests.map { request in
            request.map { event in
                let channels = event.channels.map { name in
                    if let place = places[name] { return place }
                    places[name] = names.count
                    names.append(name)
                    return names.count - 1
                }
                return Item(
                    event: event,
                    key: EventKey(of: event),
                    receipt: Self.receipt(of: event),
                    channels: channels
                )
            }
        }
        self.names = names
    }

    private static func receipt(of event: Event) -> [UInt8] {
        Array(Fingerprint(type: event.source, keys: [event.id], time: nil, data: []).bytes.prefix(16))
    }
}
