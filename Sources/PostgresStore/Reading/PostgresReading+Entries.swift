// SPDX-License-Identifier: Apache-2.0

import EventLog

extension PostgresReading {
    // MARK: A page

    /// Where a run of a channel's numbers is.
    private struct Chapter {
        let first: Int
        let part: Int32
    }

    /// Chapters read by one statement.
    private static let chaptersAtOnce = 32

    private static let findPage = PostgresStatement(
        "find_page",
        """
        SELECT c.id, c.first, c.head, h.first, h.part
        FROM channels c LEFT JOIN LATERAL (
            SELECT first, part FROM chapters
            WHERE channel = c.id AND first >= coalesce((
                SELECT first FROM chapters WHERE channel = c.id AND first <= greatest($2::int8, c.first)
                ORDER BY first DESC LIMIT 1
            ), 0)
            ORDER BY first LIMIT \(chaptersAtOnce)
        ) h ON true
        WHERE c.name = $1::text AND c.head > 0 ORDER BY h.first
        """
    )
    private static let findChapters = PostgresStatement(
        "find_chapters",
        """
        SELECT first, part FROM chapters WHERE channel = $1::int8 AND first > $2::int8
        ORDER BY first LIMIT \(chaptersAtOnce)
        """
    )

    func page(of name: ChannelName, after seq: Int, limit: PageLimit) throws(PostgresFault) -> TapePage {
        let text = name.description.utf8.contains(0) ? "" : name.description
        let next = max(0, min(seq, .max - 1)) + 1
        let answers = try self.session.run([
            PostgresCommand(.beginReading), PostgresCommand(Self.findPage).with(text).with(next),
        ])
        let rows = answers[1]
        guard rows.count > 0 else {
            return TapePage(entries: [], extent: Extent(epoch: self.epoch, first: 1, head: 0))
        }
        let channel = try rows.integer(0, 0)
        let extent = Extent(epoch: self.epoch, first: try rows.integer(0, 1), head: try rows.integer(0, 2))
        var page = TapePage(entries: [], extent: extent)
        var oldest = max(next, extent.first)
        var chapters = try (0..<rows.count).filter { !rows.isNull($0, 3) }.map { row throws(PostgresFault) in
            Chapter(first: try rows.integer(row, 3), part: try rows.part(row, 4))
        }
        guard oldest <= extent.head else { return page }
        var bytes = 0
        while let last = chapters.last {
            let most = min(max(limit.entries, 1) - page.entries.count, extent.head - oldest + 1)
            let needed = chapters.prefix { $0.first < oldest + most }.map(\.part)
            let found = try self.session.run(
                Self.entries(of: channel, from: oldest, to: oldest + most, in: needed)
                    .with(max(0, limit.bytes - bytes))
            )
            for row in 0..<found.count {
                let entry = try Self.entry(found, row, column: 0)
                guard entry.seq == oldest else { break }
                bytes += entry.cost
                if bytes > limit.bytes, !page.entries.isEmpty { return page }
                page.entries.append(entry)
                oldest += 1
            }
            // The first one alone may be too long: nothing was read after it.
            if bytes > limit.bytes { return page }
            if oldest > extent.head || page.entries.count >= max(limit.entries, 1) { return page }
            // Not full: there are more chapters than were read at once.
            guard chapters.count == Self.chaptersAtOnce, needed.count == chapters.count else { break }
            let more = try self.session.run(PostgresCommand(Self.findChapters).with(channel).with(last.first))
            chapters = try (0..<more.count).map { row throws(PostgresFault) in
                Chapter(first: try more.integer(row, 0), part: try more.part(row, 1))
            }
        }
        throw .unexpected("\(name) lacks number \(oldest) of \(extent)")
    }

    /// Numbers of a channel as far as they fit into so many bytes, the last parameter, and one more entry. What is
    /// longer stays in the database: `octet_length` does not read what is stored apart.
    private static func entries(of channel: Int, from oldest: Int, to end: Int, in parts: [Int32]) -> PostgresCommand {
        let tables = Set(parts).sorted().map { part in
            """
            SELECT seq, id, time, data, slot, trace FROM \(PostgresPartition.table(part))
            WHERE channel = $1::int8 AND seq >= $2::int8 AND seq < $3::int8
            """
        }
        let sql = """
            SELECT seq, id, time, data, slot, trace FROM (
                SELECT *, sum(size) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - size AS before FROM (
                    SELECT *, octet_length(data) + octet_length(id) + 96 AS size
                    FROM (\(tables.joined(separator: " UNION ALL "))) AS e
                ) AS sized
            ) AS counted WHERE before <= $4::int8 ORDER BY seq
            """
        let name = tables.count == 1 ? parts.first.map { "page_\($0)" } : nil
        return PostgresCommand(PostgresStatement(name, sql)).with(channel).with(oldest).with(end)
    }

    private static func entry(_ rows: PostgresRows, _ row: Int, column: Int) throws(PostgresFault) -> TapeEntry {
        TapeEntry(
            seq: try rows.integer(row, column),
            id: rows.text(row, column + 1),
            time: rows.time(row, column + 2),
            data: rows.bytes(row, column + 3),
            slot: rows.text(row, column + 4),
            trace: rows.isNull(row, column + 5) ? nil : TraceContext(rows.text(row, column + 5))
        )
    }

    // MARK: The newest

    /// Entries to be read from one partition.
    private struct Wanted {
        var names: [ChannelName] = []
        var channels = PostgresColumn(.int8)
        var seqs = PostgresColumn(.int8)

        mutating func add(_ name: ChannelName, _ channel: Int, _ seq: Int) {
            self.names.append(name)
            self.channels.append(channel)
            self.seqs.append(seq)
        }
    }

    private static let findNewest = PostgresStatement(
        "find_newest",
        """
        SELECT u.n, c.id, w.seq, w.part
        FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n)
            JOIN channels c ON c.name = u.name JOIN newest w ON w.channel = c.id
        WHERE c.slotted
        """
    )
    /// Partitions whose statements are worth keeping.
    private static let partsKept = 16

    func latest(of names: [ChannelName]) throws(PostgresFault) -> [ChannelName: TapePage] {
        let names = Array(Set(names))
        let texts = self.names(names)
        let answers = try self.session.run([
            PostgresCommand(.beginReading), PostgresCommand(Self.findChannels).with(texts),
            PostgresCommand(Self.findNewest).with(texts),
        ])
        let channels = try self.channels(names, answers[1])
        var wanted: [Int32: Wanted] = [:]
        for (name, channel) in channels where !channel.isSlotted {
            guard let id = channel.id else { continue }
            wanted[channel.part, default: Wanted()].add(name, id, channel.extent.head)
        }
        let newest = answers[2]
        for row in 0..<newest.count {
            let part = try newest.part(row, 3)
            let name = names[try newest.place(row, 0, of: names.count)]
            wanted[part, default: Wanted()].add(name, try newest.integer(row, 1), try newest.integer(row, 2))
        }
        var pages = channels.mapValues { TapePage(entries: [], extent: $0.extent) }
        let parts = Array(wanted)
        let found = try self.session.run(
            parts.map { Self.newest(in: $0.key, $0.value, isKept: parts.count <= Self.partsKept) }
        )
        for (part, rows) in zip(parts, found) {
            for row in 0..<rows.count {
                let name = part.value.names[try rows.place(row, 0, of: part.value.names.count)]
                pages[name]?.entries.append(try Self.entry(rows, row, column: 1))
            }
        }
        for name in names {
            pages[name]?.entries.sort { $0.seq < $1.seq }
            guard let page = pages[name], page.entries.last?.seq ?? 0 == page.extent.head else {
                throw .unexpected("\(name) lacks its newest entry")
            }
        }
        return pages
    }

    private static func newest(in part: Int32, _ wanted: Wanted, isKept: Bool) -> PostgresCommand {
        let sql = """
            SELECT u.n, e.seq, e.id, e.time, e.data, e.slot, e.trace
            FROM unnest($1::int8[], $2::int8[]) WITH ORDINALITY AS u (channel, seq, n)
                JOIN \(PostgresPartition.table(part)) e ON e.channel = u.channel AND e.seq = u.seq
            """
        return PostgresCommand(PostgresStatement(isKept ? "latest_\(part)" : nil, sql))
            .with(wanted.channels).with(wanted.seqs)
    }
}
