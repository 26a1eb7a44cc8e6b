// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// The writing connection's cache of the file between transactions.
///
/// It is always consistent with the file: there is one writer, and after a failure the cache is empty.
struct AppendCache: Sendable {
    /// The state of a channel for the next event.
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
        /// Times of acceptance never decrease, so that events expire in the order of the tape.
        var accepted: Timestamp
    }

    /// Maximum number of cached channels, about 200 bytes each.
    static let capacity = 200_000

    /// Nil until read from the file.
    var last: Last?
    private(set) var types: [ExactText: Int] = [:]
    /// Indices in ``channels``.
    private var places: [ExactText: Int] = [:]
    var channels: [Channel] = []

    /// Moves the cache out and leaves an empty one.
    mutating func take() -> AppendCache {
        var taken = AppendCache()
        swap(&taken, &self)
        return taken
    }

    func place(of name: String) -> Int? {
        self.places[ExactText(name)]
    }

    /// Adds a channel and returns its index in ``channels``.
    mutating func add(_ channel: Channel, named name: String) -> Int {
        self.places[ExactText(name)] = self.channels.count
        self.channels.append(channel)
        return self.channels.count - 1
    }

    mutating func add(type id: Int, named name: String) {
        self.types[ExactText(name)] = id
    }

    /// Removes channels if there are too many; only between transactions, because indices change.
    mutating func trim() {
        guard self.channels.count > Self.capacity else { return }
        self.places = [:]
        self.channels = []
    }
}
