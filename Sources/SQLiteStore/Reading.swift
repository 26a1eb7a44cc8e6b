// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB

/// Reads inside one snapshot.
///
/// A prepared statement costs the same however often it runs, so many channels are read one by one.
struct Reading {
    /// A channel as the snapshot has it.
    struct Channel {
        /// Nil if it has never had an event.
        var id: Int?
        var isSlotted: Bool
        var extent: Extent
    }

    private let db: Database
    private let epoch: String
    private let findChannel: Query

    init(_ db: Database, epoch: String) throws {
        self.db = db
        self.epoch = epoch
        self.findChannel = try Query(
            """
            SELECT id, slotted, first,
                (SELECT seq FROM positions WHERE channel = channels.id ORDER BY seq DESC LIMIT 1)
            FROM channels WHERE name = ?
            """,
            in: db
        )
    }

    func channel(_ name: ChannelName) throws -> Channel {
        try self.findChannel.bind(1, name.description)
        return try self.findChannel.first { row in
            Channel(
                id: try row.integer(0),
                isSlotted: try row.integer(1) != 0,
                extent: Extent(epoch: self.epoch, first: try row.integer(2), head: try row.integer(3))
            )
        } ?? Channel(id: nil, isSlotted: false, extent: Extent(epoch: self.epoch, first: 1, head: 0))
    }

    func page(of name: ChannelName, after seq: Int, limit: PageLimit) throws -> TapePage {
        let channel = try self.channel(name)
        var page = TapePage(entries: [], extent: channel.extent)
        guard let id = channel.id, seq < channel.extent.head else { return page }
        let oldest = max(seq + 1, channel.extent.first)
        let query = try Query(
            """
            SELECT positions.seq, event_id, time, data, slot, trace
            FROM positions CROSS JOIN events ON events.id = positions.event
            WHERE channel = ? AND seq >= ? ORDER BY seq
            """,
            in: self.db
        )
        try query.bind(1, id)
        try query.bind(2, oldest)
        defer { query.reset() }
        let most = min(max(limit.entries, 1), channel.extent.head - oldest + 1)
        var bytes = 0
        while page.entries.count < most {
            guard try query.step(), try query.integer(0) == oldest + page.entries.count else {
                throw TapeFault.damaged("\(name) lacks number \(oldest + page.entries.count) of \(channel.extent)")
            }
            let entry = try Self.entry(query)
            bytes += entry.cost
            if bytes > limit.bytes, !page.entries.isEmpty { break }
            page.entries.append(entry)
        }
        return page
    }

    func latest(of name: ChannelName) throws -> TapePage {
        let channel = try self.channel(name)
        var page = TapePage(entries: [], extent: channel.extent)
        guard let id = channel.id else { return page }
        let query: Query
        if channel.isSlotted {
            query = try Query(
                """
                SELECT newest.seq, event_id, time, data, events.slot, trace
                FROM newest CROSS JOIN events ON events.id = newest.event
                WHERE channel = ? ORDER BY seq
                """,
                in: self.db
            )
            try query.bind(1, id)
        } else {
            query = try Query(
                """
                SELECT positions.seq, event_id, time, data, slot, trace
                FROM positions CROSS JOIN events ON events.id = positions.event
                WHERE channel = ? AND seq = ?
                """,
                in: self.db
            )
            try query.bind(1, id)
            try query.bind(2, channel.extent.head)
        }
        defer { query.reset() }
        while try query.step() {
            page.entries.append(try Self.entry(query))
        }
        guard page.entries.last?.seq == channel.extent.head else {
            throw TapeFault.damaged("\(name) lacks its newest entry, number \(channel.extent.head)")
        }
        return page
    }

    /// The collation of `name` is `BINARY`, so the order is that of the bytes.
    func channels(withPrefix prefix: String, after name: String?, limit: Int) throws -> [ChannelListing] {
        let start = name ?? ""
        let isInside = !start.utf8.lexicographicallyPrecedes(prefix.utf8)
        let query = try Query(
            """
            SELECT name, first,
                (SELECT seq FROM positions WHERE channel = channels.id ORDER BY seq DESC LIMIT 1)
            FROM channels WHERE name \(name != nil && isInside ? ">" : ">=") ? ORDER BY name
            """,
            in: self.db
        )
        try query.bind(1, isInside ? start : prefix)
        defer { query.reset() }
        var listings: [ChannelListing] = []
        while listings.count < limit, try query.step() {
            let text = query.text(0)
            guard text.utf8.starts(with: prefix.utf8) else { break }
            guard let name = ChannelName(stored: text) else {
                throw TapeFault.damaged("malformed name of a channel: \(text)")
            }
            listings.append(
                ChannelListing(
                    name: name,
                    extent: Extent(epoch: self.epoch, first: try query.integer(1), head: try query.integer(2))
                )
            )
        }
        return listings
    }

    private static func entry(_ row: Query) throws(TapeFault) -> TapeEntry {
        TapeEntry(
            seq: try row.integer(0),
            id: row.text(1),
            time: Timestamp(nanoseconds: row.int64(2)),
            data: row.bytes(3),
            slot: row.text(4),
            trace: row.nullableText(5).flatMap { TraceContext($0) }
        )
    }
}
