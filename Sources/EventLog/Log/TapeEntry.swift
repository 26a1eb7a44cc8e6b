// SPDX-License-Identifier: Apache-2.0

import JSON

/// One event at its position in one channel, as stored on the tape.
package struct TapeEntry: Sendable, Equatable {
    /// 1, 2, 3 … within the channel, without gaps.
    package var seq: Int
    /// The event's id, the same on each of its channels.
    @ByBytes package var id: String
    package var time: Timestamp
    /// Compact JSON object.
    package var data: [UInt8]
    /// See ``Event/slot``.
    @ByBytes package var slot: String
    /// See ``Event/trace``.
    package var trace: TraceContext?

    package init(
        seq: Int,
        id: String,
        time: Timestamp,
        data: [UInt8],
        slot: String,
        trace: TraceContext? = nil
    ) {
        self.seq = seq
        self.id = id
        self.time = time
        self.data = data
        self.slot = slot
        self.trace = trace
    }

    /// Whether `data` is in the form the tape stores: a JSON object without white space, and therefore on one line.
    package var hasCompactObject: Bool {
        guard let value = try? JSON.Value.parse(self.data) else { return false }
        return value.kind == .object && value.isCompact && value.text.count == self.data.count
    }

    package init(seq: Int, event: Event) {
        self.init(seq: seq, id: event.id, time: event.time, data: event.data, slot: event.slot, trace: event.trace)
    }

    /// Approximate memory cost in bytes, as counted by budgets.
    package var cost: Int {
        self.data.count + self.id.utf8.count + 96
    }
}

/// The position of an event in one channel.
package struct Position: Sendable, Equatable {
    package var channel: ChannelName
    /// The epoch of the channel's numbering that ``seq`` belongs to.
    package var epoch: String
    package var seq: Int

    package init(channel: ChannelName, epoch: String, seq: Int) {
        self.channel = channel
        self.epoch = epoch
        self.seq = seq
    }
}

/// The retained range of a channel: the numbers `first ... head`.
package struct Extent: Sendable, Equatable {
    package var epoch: String
    /// The oldest retained number; `head + 1` if none is retained.
    package var first: Int
    /// The newest committed number; 0 if there never was an event.
    package var head: Int

    package init(epoch: String, first: Int, head: Int) {
        self.epoch = epoch
        self.first = first
        self.head = head
    }
}

/// A run of consecutive entries of one channel.
package struct TapePage: Sendable, Equatable {
    /// Ascending and without gaps. The first is `after + 1`, or the oldest retained entry if that is newer.
    package var entries: [TapeEntry]
    /// The extent of the channel, from the same read.
    package var extent: Extent

    package init(entries: [TapeEntry], extent: Extent) {
        self.entries = entries
        self.extent = extent
    }
}

/// The limits of one page. At least one entry is returned, whatever its size.
package struct PageLimit: Sendable, Hashable {
    package var entries: Int
    package var bytes: Int

    package init(entries: Int, bytes: Int) {
        self.entries = entries
        self.bytes = bytes
    }
}

/// Committed events of one channel, ascending and without gaps.
package struct ChannelBatch: Sendable, Equatable {
    package var channel: ChannelName
    package var entries: [TapeEntry]

    package init(channel: ChannelName, entries: [TapeEntry]) {
        self.channel = channel
        self.entries = entries
        assert(entries.areConsecutive, "a batch has no gaps")
    }

    package func isFollowed(by entry: TapeEntry) -> Bool {
        self.entries.last.map { $0.seq + 1 == entry.seq } ?? true
    }
}

extension [TapeEntry] {
    /// Whether their numbers are ascending and without gaps.
    package var areConsecutive: Bool {
        zip(self, self.dropFirst()).allSatisfy { $0.seq < $1.seq && $1.seq - $0.seq == 1 }
    }
}
