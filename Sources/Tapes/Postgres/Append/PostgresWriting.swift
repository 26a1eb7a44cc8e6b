// SPDX-License-Identifier: Apache-2.0

import Hub

/// The rows that one append writes, gathered by table and column.
struct PostgresWriting {
    /// A row for a partition of `events`.
    private struct Entry {
        let channel: Int
        let seq: Int
        let number: Int
        let event: Event
    }

    /// A channel and a slot of it.
    private struct Slot: Hashable {
        let channel: Int
        let name: ExactText
    }

    /// A row of `receipts`.
    private struct Receipt {
        let key: [UInt8]
        let fingerprint: [UInt8]
        let seqs: String
    }

    private var accepted = Timestamp(nanoseconds: 0)
    private var number = 0
    private var entries: [Int32: [Entry]] = [:]
    private var receipts: [Receipt] = []
    private var channelIDs = PostgresColumn(.int8)
    private var heads = PostgresColumn(.int8)
    private var parts = PostgresColumn(.int4)
    private var slotted = PostgresColumn(.bool)
    private var chapterChannels = PostgresColumn(.int8)
    private var chapterFirsts = PostgresColumn(.int8)
    private var chapterParts = PostgresColumn(.int4)
    private var newest: [Slot: (seq: Int, part: Int32)] = [:]

    var hasEvents: Bool { !self.entries.isEmpty }

    /// The keys of all receipts.
    var keys: [[UInt8]] { self.receipts.map(\.key) }

    mutating func begin(accepted: Timestamp, number: Int) {
        self.accepted = accepted
        self.number = number
    }

    mutating func nextNumber() -> Int {
        self.number += 1
        return self.number
    }

    mutating func add(_ event: Event, number: Int, to channel: Int, seq: Int, part: Int32) {
        self.entries[part, default: []].append(Entry(channel: channel, seq: seq, number: number, event: event))
    }

    mutating func addReceipt(_ item: PostgresBatch.Item, _ seqs: [Int]) {
        self.receipts.append(
            Receipt(
                key: item.receipt,
                fingerprint: item.event.fingerprint.bytes,
                seqs: seqs.map(String.init).joined(separator: ",")
            )
        )
    }

    mutating func set(_ channel: Int, head: Int, part: Int32, isSlotted: Bool) {
        self.channelIDs.append(channel)
        self.heads.append(head)
        self.parts.append(part)
        self.slotted.append(isSlotted)
    }

    mutating func addChapter(_ channel: Int, first: Int, part: Int32) {
        self.chapterChannels.append(channel)
        self.chapterFirsts.append(first)
        self.chapterParts.append(part)
    }

    mutating func setNewest(_ channel: Int, slot: String, seq: Int, part: Int32) {
        self.newest[Slot(channel: channel, name: ExactText(slot))] = (seq, part)
    }

    // MARK: Commands

    private static func insertEntries(_ part: Int32) -> PostgresStatement {
        PostgresStatement(
            "append_\(part)",
            """
            INSERT INTO \(PostgresPartition.table(part))
                (part, channel, seq, number, accepted, time, source, id, slot, data)
            SELECT \(part), u.channel, u.seq, u.number, $1::int8, u.time, u.source, u.id, u.slot, u.data
            FROM unnest($2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::bytea[], $7::bytea[], $8::bytea[],
                $9::bytea[]) AS u (channel, seq, number, time, source, id, slot, data)
            """
        )
    }

    private static let insertReceipts = PostgresStatement(
        "add_receipts",
        """
        INSERT INTO receipts (key, fingerprint, seqs)
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[])
        """
    )
    private static let updateChannels = PostgresStatement(
        "update_channels",
        """
        UPDATE channels c SET head = u.head, accepted = $1::int8, part = u.part, slotted = u.slotted
        FROM unnest($2::int8[], $3::int8[], $4::int4[], $5::bool[]) AS u (id, head, part, slotted) WHERE c.id = u.id
        """
    )
    private static let insertChapters = PostgresStatement(
        "add_chapters",
        "INSERT INTO chapters (channel, first, part) SELECT * FROM unnest($1::int8[], $2::int8[], $3::int4[])"
    )
    private static let setNewest = PostgresStatement(
        "set_newest",
        """
        INSERT INTO newest (channel, slot, seq, part)
        SELECT * FROM unnest($1::int8[], $2::bytea[], $3::int8[], $4::int4[])
        ON CONFLICT (channel, slot) DO UPDATE SET seq = excluded.seq, part = excluded.part
        """
    )

    /// What writes it all.
    var commands: [PostgresCommand] {
        var commands: [PostgresCommand] = []
        for (part, entries) in self.entries {
            commands.append(self.command(for: entries, part))
        }
        commands.append(self.receiptsCommand)
        commands.append(
            PostgresCommand(Self.updateChannels).with(Int(self.accepted.nanoseconds))
                .with(self.channelIDs).with(self.heads).with(self.parts).with(self.slotted)
        )
        if self.chapterChannels.count > 0 {
            commands.append(
                PostgresCommand(Self.insertChapters)
                    .with(self.chapterChannels).with(self.chapterFirsts).with(self.chapterParts)
            )
        }
        if !self.newest.isEmpty { commands.append(self.newestCommand) }
        return commands
    }

    /// In the order of the index, which costs the server less.
    private func command(for entries: [Entry], _ part: Int32) -> PostgresCommand {
        var channels = PostgresColumn(.int8)
        var seqs = PostgresColumn(.int8)
        var numbers = PostgresColumn(.int8)
        var times = PostgresColumn(.int8)
        var sources = PostgresColumn(.bytea)
        var ids = PostgresColumn(.bytea)
        var slots = PostgresColumn(.bytea)
        var data = PostgresColumn(.bytea)
        for entry in entries.sorted(by: { ($0.channel, $0.seq) < ($1.channel, $1.seq) }) {
            channels.append(entry.channel)
            seqs.append(entry.seq)
            numbers.append(entry.number)
            times.append(Int(entry.event.time.nanoseconds))
            sources.append(entry.event.source)
            ids.append(entry.event.id)
            slots.append(entry.event.slot)
            data.append(entry.event.data)
        }
        return PostgresCommand(Self.insertEntries(part)).with(Int(self.accepted.nanoseconds))
            .with(channels).with(seqs).with(numbers).with(times).with(sources).with(ids).with(slots).with(data)
    }

    /// In the order of their keys: nodes that append the same events at the same time wait for each other, never in a
    /// circle.
    private var receiptsCommand: PostgresCommand {
        var keys = PostgresColumn(.uuid)
        var fingerprints = PostgresColumn(.bytea)
        var seqs = PostgresColumn(.text)
        for receipt in self.receipts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            keys.append(receipt.key)
            fingerprints.append(receipt.fingerprint)
            seqs.append(receipt.seqs)
        }
        return PostgresCommand(Self.insertReceipts).with(keys).with(fingerprints).with(seqs)
    }

    private var newestCommand: PostgresCommand {
        var channels = PostgresColumn(.int8)
        var slots = PostgresColumn(.bytea)
        var seqs = PostgresColumn(.int8)
        var parts = PostgresColumn(.int4)
        for (slot, place) in self.newest {
            channels.append(slot.channel)
            slots.append(slot.name.text)
            seqs.append(place.seq)
            parts.append(place.part)
        }
        return PostgresCommand(Self.setNewest).with(channels).with(slots).with(seqs).with(parts)
    }
}
