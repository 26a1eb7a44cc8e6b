// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

extension PostgresAppend {
    mutating func runWithLook(_ memory: inout AppendCache) throws(PostgresFault) -> Ending {
        do throws(PostgresFault) {
            let start = try self.lock(self.identify(&memory), &memory)
            let standing = try self.batch.step?.lock(self.session)
            if case .moved = standing {
                try self.session.run(PostgresCommand(.rollback))
                return .moved
            }
            let accepted = max(memory.clock?() ?? start.now, memory.lastAccepted, start.accepted)
            let (parts, missing) = self.partitions(memory, at: accepted)
            guard missing.isEmpty else {
                try self.session.run(PostgresCommand(.rollback))
                return .lacksPartitions(missing, at: accepted)
            }
            self.writing = AppendRows(self.batch, accepted: accepted)
            let outcomes = try self.judge(parts, memory.lost)
            let stepping = Self.isDue(standing, outcomes) ? self.batch.step?.commands ?? [] : []
            guard self.writing.hasEvents || !stepping.isEmpty else {
                try self.session.run(PostgresCommand(.rollback))
                return .settled(outcomes, skipped: 0)
            }
            self.moveChannels()
            try self.commit(
                (self.writing.hasEvents
                    ? self.writing.entryCommands + [self.writing.receiptsCommand, self.writing.channelsCommand] : [])
                    + self.projecting.commands + stepping,
                &memory
            )
            memory.lastAccepted = accepted
            return .settled(outcomes, skipped: self.projecting.skipped)
        } catch {
            if case .lost = error { throw error }
            try self.session.run(PostgresCommand(.rollback))
            throw error
        }
    }

    private static let advice =
        "Its database was cut or an older one restored: nothing is committed there. Restore the "
        + "right one, or begin a new epoch, and restart the hub"

    /// A step is committed with all of its events or not at all.
    private static func isDue(_ standing: PostgresStep.Standing?, _ outcomes: [AppendOutcome]) -> Bool {
        guard case .due = standing, case .committed = outcomes.first else { return false }
        return true
    }

    // MARK: Locking

    private struct Start {
        let now: Timestamp
        /// The latest acceptance on any of the channels.
        let accepted: Timestamp
    }

    private static let addChannels = PostgresStatement(
        "add_channels",
        "INSERT INTO channels (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
    )
    private static let identifyChannels = PostgresStatement(
        "identify_channels",
        """
        SELECT u.n, c.id FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n) JOIN channels c ON c.name = u.name
        """
    )
    private static let lockChannels = PostgresStatement(
        "lock_channels",
        """
        SELECT c.id, c.head, c.part, c.slotted, c.accepted
        FROM unnest($1::int8[]) AS u (id) JOIN channels c ON c.id = u.id
        ORDER BY c.id FOR NO KEY UPDATE OF c
        """
    )
    private static let findReceipts = PostgresStatement(
        "find_receipts",
        """
        SELECT u.n, r.fingerprint, r.seqs
        FROM unnest($1::uuid[]) WITH ORDINALITY AS u (key, n) JOIN receipts r ON r.key = u.key
        """
    )
    private static let start = PostgresStatement(
        "start_batch",
        """
        SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::int8, nextval('batches'),
            (SELECT value FROM tape WHERE name = 'epoch')
        """
    )

    /// The rows of the batch's channels: cached, or else read, and created if missing, in a separate transaction. In
    /// the transaction of the append they could not be locked in order. A row without events is not visible as a
    /// channel.
    private func identify(_ memory: inout AppendCache) throws(PostgresFault) -> [PostgresChannel] {
        let names = self.batch.names
        let unknown = names.filter { memory.channels[$0] == nil }
        guard !unknown.isEmpty else { return names.compactMap { memory.channels[$0] } }
        var texts = PostgresColumn(.text)
        // In order, so that nodes that create the same rows do not deadlock.
        let sorted = unknown.sorted()
        for name in sorted { texts.append(name.description) }
        let rows = try self.session.run([
            PostgresCommand(.begin), PostgresCommand(Self.addChannels).with(texts), PostgresCommand(.commit),
            PostgresCommand(Self.identifyChannels).with(texts),
        ])[3]
        if memory.channels.count + unknown.count > AppendCache.maxChannels {
            let kept = names.map { ($0, memory.channels[$0]) }
            memory.channels = [:]
            for (name, channel) in kept { memory.channels[name] = channel }
        }
        for row in 0..<rows.count {
            let name = sorted[try rows.place(row, 0, of: sorted.count)]
            memory.channels[name] = PostgresChannel(id: try rows.integer(row, 1), state: nil)
        }
        return names.compactMap { memory.channels[$0] }
    }

    /// Begins the transaction, locks the channels and reads existing receipts, in one round trip.
    private mutating func lock(
        _ identified: [PostgresChannel],
        _ memory: inout AppendCache
    ) throws(PostgresFault) -> Start {
        let ids = identified.map(\.id)
        var idColumn = PostgresColumn(.int8)
        for id in ids.sorted() { idColumn.append(id) }
        var keys = PostgresColumn(.uuid)
        var places: [PostgresBatch.Place] = []
        for (request, items) in self.batch.items.enumerated() {
            for (event, item) in items.enumerated() {
                keys.append(item.key)
                places.append(PostgresBatch.Place(request: request, event: event))
            }
        }
        let answers = try self.session.run(
            [
                PostgresCommand(.begin), PostgresCommand(Self.lockChannels).with(idColumn),
                PostgresCommand(Self.findReceipts).with(keys), PostgresCommand(Self.start),
            ] + self.batch.reads
        )
        let (rows, found, start) = (answers[1], answers[2], answers[3])
        try PostgresSession.recognise(start.isNull(0, 2) ? nil : start.text(0, 2), self.epoch)
        self.projecting.take(answers.dropFirst(4), to: self.batch.reads)
        guard ids.count == self.batch.names.count, rows.count == ids.count else {
            // Fails instead of creating the rows, because numbers would start again.
            throw .unexpected("\(self.batch.names.count - rows.count) channels have lost their rows. \(Self.advice)")
        }
        var rowOf: [Int: Int] = [:]
        rowOf.reserveCapacity(rows.count)
        for row in 0..<rows.count { rowOf[try rows.integer(row, 0)] = row }
        self.channels = try ids.compactMap { rowOf[$0] }.map { row throws(PostgresFault) in
            Channel(
                id: try rows.integer(row, 0),
                PostgresChannel.State(
                    head: try rows.integer(row, 1),
                    part: try rows.part(row, 2),
                    isSlotted: rows.bool(row, 3)
                )
            )
        }
        for (index, name) in self.batch.names.enumerated() {
            let (head, highest) = (self.channels[index].state.head, memory.channels[name]?.highest ?? 0)
            guard head >= highest else {
                throw .unexpected("\(name) was at number \(highest) and is at \(head). \(Self.advice)")
            }
        }
        for row in 0..<found.count {
            let place = places[try found.place(row, 0, of: places.count)]
            let event = self.batch[place]
            let seqs = found.text(row, 2).split(separator: ",").compactMap { Int(decimal: $0, in: .seq) }
            // The same fingerprint means the same keys in the same order.
            guard seqs.count == event.keys.count || found.bytes(row, 1) != event.fingerprint.bytes else {
                throw .unexpected("event \(event.id) of \(event.source) is on \(seqs.count) channels")
            }
            self.standing[self.batch.items[place.request][place.event].key] = (
                Fingerprint(bytes: found.bytes(row, 1)), seqs, false
            )
        }
        let now = start.time(0, 0)
        memory.time = PostgresTime(now)
        return Start(
            now: now,
            accepted: Timestamp(nanoseconds: (0..<rows.count).map { rows.int64($0, 4) }.max() ?? 0)
        )
    }
}
