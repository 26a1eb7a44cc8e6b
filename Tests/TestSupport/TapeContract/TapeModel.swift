// SPDX-License-Identifier: Apache-2.0

import EventLog

/// A tape in its simplest form: the list of all events ever, and per channel where they are in it.
struct TapeModel {
    private struct Line {
        var event: Event
        var accepted: Timestamp
        var positions: [Position]
        var isRemoved = false
    }

    let epoch: String
    private var lines: [Line] = []
    /// Indices in ``lines``.
    private var channels: [ChannelName: [Int]] = [:]

    init(epoch: String) {
        self.epoch = epoch
    }

    mutating func append(_ requests: [[Event]], now: Timestamp) -> [AppendOutcome] {
        requests.map { self.append($0, now: now) }
    }

    private mutating func append(_ request: [Event], now: Timestamp) -> AppendOutcome {
        let before = self
        var receipts: [Receipt] = []
        var conflicts: [Int] = []
        for (index, event) in request.enumerated() {
            let standing = self.lines.first {
                !$0.isRemoved && $0.event.id == event.id && $0.event.source == event.source
            }
            if let standing {
                if standing.event.fingerprint != event.fingerprint { conflicts.append(index) }
                receipts.append(Receipt(status: .duplicate, positions: standing.positions))
            } else {
                let accepted = max(now, self.lines.last?.accepted ?? now)
                let positions = event.channels.map {
                    Position(channel: $0, epoch: self.epoch, seq: self.extent(of: $0).head + 1)
                }
                for channel in event.channels {
                    self.channels[channel, default: []].append(self.lines.count)
                }
                self.lines.append(Line(event: event, accepted: accepted, positions: positions))
                receipts.append(Receipt(status: .accepted, positions: positions))
            }
        }
        if !conflicts.isEmpty {
            self = before
            return .conflict(items: conflicts)
        }
        return .committed(receipts)
    }

    /// The channel's entries, those removed marked.
    private func all(of channel: ChannelName) -> [(entry: TapeEntry, isRemoved: Bool)] {
        zip(1..., self.channels[channel] ?? []).map { seq, index in
            (TapeEntry(seq: seq, event: self.lines[index].event), self.lines[index].isRemoved)
        }
    }

    func extent(of channel: ChannelName) -> Extent {
        let all = self.all(of: channel)
        let first = (all.last { $0.isRemoved }?.entry.seq ?? 0) + 1
        return Extent(epoch: self.epoch, first: first, head: all.count)
    }

    func page(of channel: ChannelName, after seq: Int, limit: PageLimit) -> TapePage {
        let extent = self.extent(of: channel)
        var entries: [TapeEntry] = []
        for (entry, _) in self.all(of: channel) where entry.seq > seq && entry.seq >= extent.first {
            let bytes = entries.map(\.cost).reduce(entry.cost, +)
            if !entries.isEmpty, entries.count >= limit.entries || bytes > limit.bytes { break }
            entries.append(entry)
        }
        return TapePage(entries: entries, extent: extent)
    }

    func latest(of channel: ChannelName) -> TapePage {
        var newest: [String: TapeEntry] = [:]
        for (entry, _) in self.all(of: channel) {
            newest[entry.slot] = entry
        }
        return TapePage(entries: newest.values.sorted { $0.seq < $1.seq }, extent: self.extent(of: channel))
    }

    func listings() -> [ChannelListing] {
        self.channels.keys.sorted().map { ChannelListing(name: $0, extent: self.extent(of: $0)) }
    }

    mutating func prune(type: String, acceptedBefore time: Timestamp, limit: Int) -> Int {
        var removed = 0
        for (index, line) in self.lines.enumerated() where !line.isRemoved && line.event.type == type {
            guard removed < limit, line.accepted < time else { break }
            let isState = line.positions.contains { position in
                self.latest(of: position.channel).entries.contains { $0.seq == position.seq }
            }
            if !isState {
                self.lines[index].isRemoved = true
                removed += 1
            }
        }
        return removed
    }
}
