// SPDX-License-Identifier: Apache-2.0

/// Recorded events in the order in which they happened, ready to be published.
package struct Trace: Sendable {
    /// One recorded event.
    package struct Entry: Sendable, Equatable {
        /// Nanoseconds after the first event; never less than the entry before.
        package var offset: Int64
        /// The event type's name.
        package var type: String
        /// The keys of its channels, at least one.
        package var keys: [String]
        /// When it happened, as recorded.
        package var time: String?
        /// The payload as a JSON object.
        package var data: [UInt8]
        /// Places of its channels in ``Trace/channels``.
        package var channels: [Int] = []
        /// For each of its channels, which of the values kept side by side it replaces.
        package var slots: [Int] = []
    }

    /// One channel that the trace has events of.
    package struct Channel: Sendable, Equatable {
        /// `type:key`.
        package var name: String
        /// The key, which for a private type is the user who may read it.
        package var key: String
        /// Whether only its owner may read it.
        package var isPrivate: Bool
        /// Whether a subscriber that is behind may get the newest value only.
        package var mayConflate: Bool
        /// How many values are kept side by side: one per currency for balances, one for the rest.
        package var slots: Int
        /// How many of the trace's events it has.
        package var events: Int
    }

    /// The events, at least one.
    package private(set) var entries: [Entry]
    /// The channels, public ones first.
    package private(set) var channels: [Channel]
    /// Recorded lines that are no events, by what they are.
    package let skipped: [String: Int]

    /// Types whose channels only their owners read, by default.
    package static let privateTypes: Set<String> = ["balanceUpdate", "transactionUpdate"]
    /// Types of which every event has to arrive.
    private static let everyTypes: Set<String> = ["transactionUpdate", "chainEvent"]

    /// How long it takes at recorded speed, in nanoseconds.
    package var duration: Int64 { self.entries.last?.offset ?? 0 }

    /// The users whose private channels occur, sorted.
    package var users: [String] {
        Set(self.channels.lazy.filter(\.isPrivate).map(\.key)).sorted()
    }

    /// Sorts out the channels of a list of events.
    /// - Parameter slots: For each entry, the value that is kept beside others, such as the currency of a balance.
    init(_ entries: [Entry], slots: [String], skipped: [String: Int], privateTypes: Set<String>) {
        var names: [(name: String, key: String, type: String)] = []
        var known: Set<String> = []
        for entry in entries {
            for key in entry.keys where known.insert("\(entry.type):\(key)").inserted {
                names.append(("\(entry.type):\(key)", key, entry.type))
            }
        }
        let sorted =
            names.filter { !privateTypes.contains($0.type) } + names.filter { privateTypes.contains($0.type) }
        var channels = sorted.map { channel in
            Channel(
                name: channel.name,
                key: channel.key,
                isPrivate: privateTypes.contains(channel.type),
                mayConflate: !Self.everyTypes.contains(channel.type),
                slots: 1,
                events: 0
            )
        }
        let places = Dictionary(sorted.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        var slotPlaces = [[String: Int]](repeating: [:], count: channels.count)
        var placed = entries
        for index in placed.indices {
            for key in placed[index].keys {
                guard let channel = places["\(placed[index].type):\(key)"] else { continue }
                let slot = slotPlaces[channel][slots[index]] ?? slotPlaces[channel].count
                slotPlaces[channel][slots[index]] = slot
                placed[index].channels.append(channel)
                placed[index].slots.append(slot)
                channels[channel].slots = max(1, slotPlaces[channel].count)
                channels[channel].events += 1
            }
        }
        self.entries = placed
        self.channels = channels
        self.skipped = skipped
    }
}
