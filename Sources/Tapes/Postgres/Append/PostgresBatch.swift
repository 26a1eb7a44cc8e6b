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
    /// Reads the rows that projections may change.
    let reads: [PostgresCommand]

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
        self.reads = PostgresProjecting.reads(of: Self.touched(by: requests))
    }

    /// The numbers are not known yet, and no matter: what is touched does not depend on them.
    private static func touched(by requests: [[Event]]) -> ProjectionBatch {
        var touched = ProjectionBatch()
        for event in requests.joined() where event.projection != nil {
            touched.add(event, seqs: repeatElement(0, count: event.keys.count))
        }
        return touched
    }

    private static func receipt(of event: Event) -> [UInt8] {
        Array(Fingerprint(type: event.source, keys: [event.id], time: nil, data: []).bytes.prefix(16))
    }
}
