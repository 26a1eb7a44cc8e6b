// SPDX-License-Identifier: Apache-2.0

import EventLog

/// The events of one call, prepared for the database; the same for every attempt.
struct PostgresBatch: Sendable {
    struct Item: Sendable {
        let key: ReceiptKey
        /// Indices in ``names``, in the order of the event's keys.
        let channels: [Int]
    }

    /// Location of an event in the batch.
    struct Place: Sendable {
        let request: Int
        let event: Int
    }

    let requests: [[Event]]
    /// One for each event of each request.
    let items: [[Item]]
    /// The channels of all events, each once.
    let names: [ChannelName]
    /// Reads the rows that projections may change.
    let reads: [PostgresCommand]
    /// A source's step in the same transaction.
    let step: PostgresStep?
    /// Whether it is a trial, which rolls the transaction back.
    let isTrial: Bool

    init(_ requests: [[Event]], step: SourceStep? = nil, isTrial: Bool = false) {
        self.isTrial = isTrial
        var names: [ChannelName] = []
        var places: [ChannelName: Int] = [:]
        self.requests = requests
        self.step = step.map(PostgresStep.init(step:))
        self.items = requests.map { request in
            request.map { event in
                let channels = event.channels.map { name in
                    let place = places[name, default: names.count]
                    if place == names.count {
                        places[name] = place
                        names.append(name)
                    }
                    return place
                }
                return Item(key: ReceiptKey(of: event), channels: channels)
            }
        }
        self.names = names
        self.reads = ProjectionRows.reads(of: Self.touched(by: requests))
    }

    /// The numbers are not known yet, but the touched rows do not depend on them.
    private static func touched(by requests: [[Event]]) -> ProjectionBatch {
        var touched = ProjectionBatch()
        for event in requests.joined() where event.projection != nil {
            touched.add(event, seqs: repeatElement(0, count: event.keys.count))
        }
        return touched
    }

    /// Mean size of `data` in bytes, for reserving buffers.
    var meanDataSize: Int {
        let events = self.requests.joined()
        var count = 0
        var bytes = 0
        for event in events {
            count += 1
            bytes += event.data.count
        }
        return bytes / max(1, count)
    }

    subscript(_ place: Place) -> Event {
        self.requests[place.request][place.event]
    }
}
