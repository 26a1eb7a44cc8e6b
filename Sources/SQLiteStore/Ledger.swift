// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// What the writing connection remembers of the file between transactions.
///
/// It never differs from the file: there is one writer, and after a failure it starts out empty.
struct Ledger: Sendable {
    /// A channel as the next event finds it.
    struct Channel: Sendable {
        let id: Int
        var head: Int
        /// See `channels.slotted` of ``Schema``.
        var isSlotted: Bool
        /// See `channels.kept` of ``Schema``.
        var isKept: Bool
    }

    /// The newest event of all.
    struct Last: Sendable {
        var event: Int
        /// Times of acceptance never go back, so that events age in the order in which they stand.
        var accepted: Timestamp
    }

    /// Channels remembered at once; about 200 bytes each.
    static let capacity = 200_000

    /// Nil until read from the file.
    var last: Last?
    private(set) var types: [ExactText: Int] = [:]
    /// Places in ``channels``.
    private var places: [ExactText: Int] = [:]
    var channels: [Channel] = []

    /// Hands over what is remembered and leaves nothing.
    mutating func take() -> Ledger {
        var taken = Ledger()
        swap(&taken, &self)
        return taken
    }

    func place(of name: String) -> Int? {
        self.places[ExactText(name)]
    }

    /// Remembers a channel and says where in ``channels``.
    mutating func add(_ channel: Channel, named name: String) -> Int {
        self.places[ExactText(name)] = self.channels.count
        self.channels.append(channel)
        return self.channels.count - 1
    }

    mutating func add(type id: Int, named name: String) {
        self.types[ExactText(name)] = id
    }

    /// Forgets channels when they are too many; only between transactions, as places change.
    mutating func trim() {
        guard self.channels.count > Self.capacity else { return }
        self.places = [:]
        self.channels = []
    }
}
