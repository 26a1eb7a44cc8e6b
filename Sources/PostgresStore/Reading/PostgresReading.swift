// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Reads inside one snapshot.
///
/// Events are read from the table of their partition, found by the channel's row and its chapters. `events` as a whole
/// is never queried, because the cost would grow with the number of partitions.
struct PostgresReading {
    /// A channel as the snapshot has it.
    struct Channel {
        /// Nil if it has never had an event.
        var id: Int?
        var part: Int32
        var isSlotted: Bool
        var extent: Extent
    }

    let session: PostgresSession
    let epoch: String

    /// Begins a snapshot, reads and ends it.
    static func run<Value>(
        _ session: PostgresSession,
        epoch: String,
        _ work: (PostgresReading) throws(PostgresFault) -> Value
    ) throws(PostgresFault) -> Value {
        do throws(PostgresFault) {
            let value = try work(PostgresReading(session: session, epoch: epoch))
            try session.run(PostgresCommand(.commit))
            return value
        } catch {
            if case .lost = error { throw error }
            try session.run(PostgresCommand(.rollback))
            throw error
        }
    }

    // MARK: Channels

    static let findChannels = PostgresStatement(
        "find_channels",
        """
        SELECT u.n, c.id, c.part, c.slotted, c.first, c.head
        FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n) JOIN channels c ON c.name = u.name WHERE c.head > 0
        """
    )

    /// Neither channel names nor `text` can contain NUL; names with NUL are unknown.
    func names(_ channels: [ChannelName]) -> PostgresColumn {
        var names = PostgresColumn(.text)
        for name in channels {
            names.append(name.description.utf8.contains(0) ? "" : name.description)
        }
        return names
    }

    /// Begins the snapshot as well.
    func channels(_ channels: [ChannelName]) throws(PostgresFault) -> [ChannelName: Channel] {
        let answers = try self.session.run([
            PostgresCommand(.beginReading),
            PostgresCommand(Self.findChannels).with(self.names(channels)),
        ])
        return try self.channels(channels, answers[1])
    }

    func channels(
        _ channels: [ChannelName],
        _ rows: PostgresRows
    ) throws(PostgresFault) -> [ChannelName: Channel] {
        var found: [ChannelName: Channel] = [:]
        found.reserveCapacity(channels.count)
        let nothing = Extent(epoch: self.epoch, first: 1, head: 0)
        for name in channels {
            found[name] = Channel(id: nil, part: 0, isSlotted: false, extent: nothing)
        }
        for row in 0..<rows.count {
            found[channels[try rows.place(row, 0, of: channels.count)]] = Channel(
                id: try rows.integer(row, 1),
                part: try rows.part(row, 2),
                isSlotted: rows.bool(row, 3),
                extent: Extent(epoch: self.epoch, first: try rows.integer(row, 4), head: try rows.integer(row, 5))
            )
        }
        return found
    }

    private static let list = """
        SELECT name, first, head FROM channels
        WHERE name >= $1::text AND ($2::text = '' OR name < $2::text) AND name > $3::text AND head > 0
        ORDER BY name LIMIT $4::int8
        """

    /// The collation of `name` is `C`, so the order is that of the bytes.
    func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) throws(PostgresFault) -> [ChannelListing] {
        // No name contains NUL, so the text after it does not change the order.
        let after = String(decoding: (name ?? "").utf8.prefix { $0 != 0 }, as: UTF8.self)
        guard !prefix.utf8.contains(0) else {
            try self.session.run(PostgresCommand(.beginReading))
            return []
        }
        let answers = try self.session.run([
            PostgresCommand(.beginReading),
            PostgresCommand(PostgresStatement("list_channels", Self.list))
                .with(prefix).with(Self.end(ofPrefix: prefix)).with(after).with(max(0, limit)),
        ])
        let rows = answers[1]
        var listings: [ChannelListing] = []
        for row in 0..<rows.count {
            let text = rows.text(row, 0)
            guard let name = ChannelName(stored: text) else {
                throw .unexpected("malformed name of a channel: \(text)")
            }
            listings.append(
                ChannelListing(
                    name: name,
                    extent: Extent(epoch: self.epoch, first: try rows.integer(row, 1), head: try rows.integer(row, 2))
                )
            )
        }
        return listings
    }

    /// The first text after all that begin with a prefix, by bytes; empty when there is none. The order of bytes is
    /// that of scalars.
    static func end(ofPrefix prefix: String) -> String {
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            // Surrogates are no scalars.
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            if let next = Unicode.Scalar(next) {
                scalars.append(next)
                var end = String.UnicodeScalarView()
                end.append(contentsOf: scalars)
                return String(end)
            }
        }
        return ""
    }
}
