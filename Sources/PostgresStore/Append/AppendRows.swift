// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// The rows of one append, collected by table and column.
struct AppendRows {
    /// A row for a partition of `events`.
    private struct Entry {
        let channel: Int
        let seq: Int
        let number: Int
        let event: PostgresBatch.Place
    }

    /// A channel and a slot of it.
    private struct Slot: Hashable {
        let channel: Int
        let name: ExactText
    }

    /// A row of `receipts`.
    private struct Receipt {
        let key: ReceiptKey
        let fingerprint: [UInt8]
        let seqs: String
    }

    private let batch: PostgresBatch
    private let accepted: Timestamp
    /// Counts from the number of the batch.
    private var number = 0
    private var entries: [Int32: [Entry]] = [:]
    private var receipts: [Receipt] = []
    private var channelIDs = PostgresColumn(.int8)
    private var heads = PostgresColumn(.int8)
    private var parts = PostgresColumn(.int4)
    private var slotted = PostgresColumn(.bool)
    private var formerHeads = PostgresColumn(.int8)
    private var formerParts = PostgresColumn(.int4)
    private var chapterChannels = PostgresColumn(.int8)
    private var chapterFirsts = PostgresColumn(.int8)
    private var chapterParts = PostgresColumn(.int4)
    private var newest: [Slot: (seq: Int, part: Int32)] = [:]

    var hasEvents: Bool { !self.entries.isEmpty }

    /// The keys of all receipts.
    var keys: [ReceiptKey] { self.receipts.map(\.key) }

    init(_ batch: PostgresBatch, accepted: Timestamp) {
        self.batch = batch
        self.accepted = accepted
    }

    mutating func nextNumber() -> Int {
        self.number += 1
        return self.number
    }

    mutating func add(_ event: PostgresBatch.Place, number: Int, to channel: Int, seq: Int, part: Int32) {
        self.entries[part, default: []].append(Entry(channel: channel, seq: seq, number: number, event: event))
    }

    mutating func addReceipt(_ key: ReceiptKey, _ fingerprint: Fingerprint, _ seqs: [Int]) {
        self.receipts.append(
            Receipt(
                key: key,
                fingerprint: fingerprint.bytes,
                seqs: seqs.count == 1 ? String(seqs[0]) : seqs.map(String.init).joined(separator: ",")
            )
        )
    }

    /// Call it in the order of channel IDs, in which the rows are locked.
    mutating func set(_ channel: Int, _ state: PostgresChannel.State, from former: PostgresChannel.State) {
        self.channelIDs.append(channel)
        self.heads.append(state.head)
        self.parts.append(state.part)
        self.slotted.append(state.isSlotted)
        self.formerHeads.append(former.head)
        self.formerParts.append(former.part)
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
                (part, channel, seq, number, accepted, time, source, id, slot, data, trace)
            SELECT \(part), u.channel, u.seq, (SELECT currval('batches') << 20) + u.number, $1::int8, u.time,
                u.source, u.id, u.slot, u.data, u.trace
            FROM unnest($2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::bytea[], $7::bytea[], $8::bytea[],
                $9::bytea[], $10::bytea[]) AS u (channel, seq, number, time, source, id, slot, data, trace)
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
    /// Fails (SQLSTATE 22012) if a channel is not in the expected state, or the database holds another log.
    private static let moveChannels = PostgresStatement(
        "move_channels",
        """
        WITH moved AS (
            UPDATE channels c SET head = u.head, accepted = $1::int8, part = u.part, slotted = u.slotted
            FROM unnest($2::int8[], $3::int8[], $4::int4[], $5::bool[], $6::int8[], $7::int4[])
                AS u (id, head, part, slotted, former_head, former_part)
            WHERE c.id = u.id AND c.head = u.former_head AND c.part = u.former_part
            RETURNING 1
        )
        SELECT 1 / (count(*) = $8::int8
            AND coalesce((SELECT value FROM tape WHERE name = 'epoch') = $9::text, false))::int FROM moved
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

    /// Locks and updates the rows of channels; fails if another node has changed one.
    func movingCommand(in epoch: String) -> PostgresCommand {
        PostgresCommand(Self.moveChannels).with(Int(self.accepted.nanoseconds))
            .with(self.channelIDs).with(self.heads).with(self.parts).with(self.slotted)
            .with(self.formerHeads).with(self.formerParts).with(self.channelIDs.count).with(epoch)
    }

    /// Updates the rows of locked channels.
    var channelsCommand: PostgresCommand {
        PostgresCommand(Self.updateChannels).with(Int(self.accepted.nanoseconds))
            .with(self.channelIDs).with(self.heads).with(self.parts).with(self.slotted)
    }

    /// Commands that write the events and their chapters.
    var entryCommands: [PostgresCommand] {
        var commands: [PostgresCommand] = []
        for (part, entries) in self.entries {
            commands.append(self.command(for: entries, part))
        }
        if self.chapterChannels.count > 0 {
            commands.append(
                PostgresCommand(Self.insertChapters)
                    .with(self.chapterChannels).with(self.chapterFirsts).with(self.chapterParts)
            )
        }
        if !self.newest.isEmpty { commands.append(self.newestCommand) }
        return commands
    }

    /// In the order of the index, which is cheaper for the server.
    private func command(for entries: [Entry], _ part: Int32) -> PostgresCommand {
        let entries = entries.sorted { ($0.channel, $0.seq) < ($1.channel, $1.seq) }
        let count = entries.count
        var channels = PostgresColumn(.int8, count: count)
        var seqs = PostgresColumn(.int8, count: count)
        var numbers = PostgresColumn(.int8, count: count)
        var times = PostgresColumn(.int8, count: count)
        var sources = PostgresColumn(.bytea, count: count)
        var ids = PostgresColumn(.bytea, count: count)
        var slots = PostgresColumn(.bytea, count: count)
        var data = PostgresColumn(.bytea, count: count, each: self.batch.meanDataSize)
        var traces = PostgresColumn(.bytea, count: count)
        for entry in entries {
            channels.append(entry.channel)
            seqs.append(entry.seq)
            numbers.append(entry.number)
            times.append(Int(self.batch[entry.event].time.nanoseconds))
            sources.append(self.batch[entry.event].source)
            ids.append(self.batch[entry.event].id)
            slots.append(self.batch[entry.event].slot)
            data.append(self.batch[entry.event].data)
            traces.append(self.batch[entry.event].trace?.traceparent)
        }
        return PostgresCommand(Self.insertEntries(part)).with(Int(self.accepted.nanoseconds))
            .with(channels).with(seqs).with(numbers).with(times).with(sources).with(ids).with(slots).with(data)
            .with(traces)
    }

    /// In the order of their keys, so that nodes that append the same events at the same time do not deadlock.
    var receiptsCommand: PostgresCommand {
        var keys = PostgresColumn(.uuid)
        var fingerprints = PostgresColumn(.bytea)
        var seqs = PostgresColumn(.text)
        for receipt in self.receipts.sorted(by: { $0.key < $1.key }) {
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

/// The key of an event's row in `receipts`: 128 bits of SHA-256 over source and ID, computed like `receipt_key` in the
/// schema.
struct ReceiptKey: Hashable, Comparable, Sendable {
    let high: UInt64
    let low: UInt64

    init(of event: Event) {
        let bytes = Fingerprint(type: event.source, keys: [event.id], time: nil, data: []).bytes
        self.high = Self.read(bytes.prefix(8))
        self.low = Self.read(bytes.dropFirst(8).prefix(8))
    }

    private static func read(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64(truncatingIfNeeded: $1) }
    }

    /// In the server's order of `uuid`.
    static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
