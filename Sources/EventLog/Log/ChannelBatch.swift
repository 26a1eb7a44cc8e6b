// SPDX-License-Identifier: Apache-2.0

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
