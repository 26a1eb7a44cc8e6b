// SPDX-License-Identifier: Apache-2.0

import Hub

/// One attempt to append a batch, in one transaction of two round trips.
///
/// The rows of the batch's channels are locked first, in the same order on every node. Whatever another transaction did
/// to those channels, and to any event that is on one of them, is committed or gone by then, and the statements after
/// the lock see it (`READ COMMITTED`). The same id with *other* channels may still be appended by another node at the
/// same time; the primary key of `receipts` lets one of them win, and the other attempts again and sees it.
struct PostgresAppend {
    /// How an attempt ended, other than by a fault.
    enum Ending: Sendable {
        /// - Parameter skipped: See ``Projections/skipped``.
        case settled([AppendOutcome], skipped: Int)
        /// There is no partition yet for events of these types accepted now.
        case lacksPartitions([String], at: Timestamp)
    }

    private struct Channel {
        let id: Int
        var head: Int
        var part: Int32
        var isSlotted: Bool
        var isTouched = false
    }

    private let batch: PostgresBatch
    private let epoch: String
    private let session: PostgresSession
    private var channels: [Channel] = []
    /// What stands under the ids of the batch: what was found, then what the batch itself appends.
    private var standing: [EventKey: (fingerprint: Fingerprint, seqs: [Int], isTold: Bool)] = [:]
    private var writing: PostgresWriting
    private var projecting = PostgresProjecting()

    static func run(
        _ batch: PostgresBatch,
        on session: PostgresSession,
        _ memory: inout PostgresMemory
    ) throws(PostgresFault) -> Ending {
        guard !batch.names.isEmpty else {
            return .settled(batch.requests.map { _ in .committed([]) }, skipped: 0)
        }
        var append = PostgresAppend(batch, session, memory.epoch)
        return try append.run(&memory)
    }

    private init(_ batch: PostgresBatch, _ session: PostgresSession, _ epoch: String) {
        self.batch = batch
        self.session = session
        self.epoch = epoch
        self.writing = PostgresWriting()
    }

    private mutating func run(_ memory: inout PostgresMemory) throws(PostgresFault) -> Ending {
        memory.isCommitting = false
        if self.session.isFresh {
            memory.channels = [:]
            memory.partitions.forget()
            self.session.isFresh = false
        }
        do throws(PostgresFault) {
            let start = try self.lock(self.identify(&memory), &memory)
            let accepted = max(memory.clock?() ?? start.now, memory.lastAccepted, start.accepted)
            let types = Set(self.batch.names.map { String($0.type) })
            var parts: [String: PostgresPartition] = [:]
            for type in types { parts[type] = memory.partitions.partition(of: type, at: accepted) }
            let missing = types.filter { parts[$0] == nil }
            guard missing.isEmpty else {
                try self.session.run(PostgresCommand(.rollback))
                return .lacksPartitions(missing.sorted(), at: accepted)
            }
            self.writing.begin(accepted: accepted, number: start.batch << 20)
            let outcomes = try self.judge(parts, memory.lost)
            guard self.writing.hasEvents else {
                try self.session.run(PostgresCommand(.rollback))
                return .settled(outcomes, skipped: 0)
            }
            for channel in self.channels where channel.isTouched {
                self.writing.set(channel.id, head: channel.head, part: channel.part, isSlotted: channel.isSlotted)
            }
            memory.isCommitting = true
            try self.session.commit(with: self.writing.commands + self.projecting.commands)
            memory.isCommitting = false
            memory.lastAccepted = accepted
            return .settled(outcomes, skipped: self.projecting.skipped)
        } catch {
            if case .lost = error {
                if memory.isCommitting { memory.lost.formUnion(self.writing.keys) }
                throw error
            }
            // The server has answered: whatever it refused, nothing of the transaction stands.
            memory.isCommitting = false
            try self.session.run(PostgresCommand(.rollback))
            throw error
        }
    }

    // MARK: Locking

    private struct Start {
        let now: Timestamp
        /// The latest acceptance on any of the channels.
        let accepted: Timestamp
        let batch: Int
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
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::int8, nextval('batches')"
    )

    /// The rows of the batch's channels: remembered, or found and made where they are missing, in a transaction of
    /// their own. Made in the append's they could not be locked in order. A row without events is no channel to
    /// anybody.
    private func identify(_ memory: inout PostgresMemory) throws(PostgresFault) -> [Int] {
        let names = self.batch.names
        let unknown = names.filter { memory.channels[$0] == nil }
        guard !unknown.isEmpty else { return names.compactMap { memory.channels[$0] } }
        var texts = PostgresColumn(.text)
        // In order, so that nodes that make the same ones do not wait for each other in a circle.
        let sorted = unknown.sorted()
        for name in sorted { texts.append(name.description) }
        let rows = try self.session.run([
            PostgresCommand(.begin), PostgresCommand(Self.addChannels).with(texts), PostgresCommand(.commit),
            PostgresCommand(Self.identifyChannels).with(texts),
        ])[3]
        if memory.channels.count + unknown.count > PostgresMemory.maxChannels {
            let kept = names.map { ($0, memory.channels[$0]) }
            memory.channels = [:]
            for (name, id) in kept { memory.channels[name] = id }
        }
        for row in 0..<rows.count {
            memory.channels[sorted[rows.integer(row, 0) - 1]] = rows.integer(row, 1)
        }
        return names.compactMap { memory.channels[$0] }
    }

    /// Begins the transaction, locks the channels and finds what stands, in one round trip.
    private mutating func lock(_ ids: [Int], _ memory: inout PostgresMemory) throws(PostgresFault) -> Start {
        var idColumn = PostgresColumn(.int8)
        for id in ids.sorted() { idColumn.append(id) }
        var keys = PostgresColumn(.uuid)
        let items = Array(self.batch.requests.joined())
        for item in items { keys.append(item.receipt) }
        let answers = try self.session.run(
            [
                PostgresCommand(.begin), PostgresCommand(Self.lockChannels).with(idColumn),
                PostgresCommand(Self.findReceipts).with(keys), PostgresCommand(Self.start),
            ] + self.batch.reads
        )
        let (rows, found, start) = (answers[1], answers[2], answers[3])
        self.projecting.take(answers.dropFirst(4), to: self.batch.reads)
        guard ids.count == self.batch.names.count, rows.count == ids.count else {
            // The database is not the one it was.
            memory.channels = [:]
            throw .unexpected("\(self.batch.names.count - rows.count) channels have lost their rows")
        }
        var rowOf: [Int: Int] = [:]
        rowOf.reserveCapacity(rows.count)
        for row in 0..<rows.count { rowOf[rows.integer(row, 0)] = row }
        self.channels = ids.compactMap { rowOf[$0] }.map { row in
            Channel(
                id: rows.integer(row, 0),
                head: rows.integer(row, 1),
                part: Int32(truncatingIfNeeded: rows.integer(row, 2)),
                isSlotted: rows.bool(row, 3)
            )
        }
        for row in 0..<found.count {
            let item = items[found.integer(row, 0) - 1]
            let seqs = found.text(row, 2).split(separator: ",").compactMap { Int($0) }
            // The same fingerprint means the same keys in the same order.
            guard seqs.count == item.event.keys.count || found.bytes(row, 1) != item.event.fingerprint.bytes else {
                throw .unexpected("event \(item.event.id) of \(item.event.source) stands on \(seqs.count) channels")
            }
            self.standing[item.key] = (Fingerprint(bytes: found.bytes(row, 1)), seqs, false)
        }
        return Start(
            now: Timestamp(nanoseconds: Int64(start.integer(0, 0))),
            accepted: Timestamp(nanoseconds: (0..<rows.count).map { Int64(rows.integer($0, 4)) }.max() ?? 0),
            batch: start.integer(0, 1)
        )
    }

    // MARK: Judging

    private mutating func judge(
        _ parts: [String: PostgresPartition],
        _ lost: Set<[UInt8]>
    ) throws(PostgresFault) -> [AppendOutcome] {
        var outcomes: [AppendOutcome] = []
        outcomes.reserveCapacity(self.batch.requests.count)
        for request in self.batch.requests {
            let verdicts: [Verdict<[Int]>]
            switch Verdict<[Int]>.judge(
                request.map(\.event),
                find: { self.standing[request[$0].key].map { ($0.0, $0.1) } }
            ) {
            case .conflict(let items):
                outcomes.append(.conflict(items: items))
                continue
            case .verdicts(let all): verdicts = all
            }
            var receipts: [Receipt] = []
            receipts.reserveCapacity(request.count)
            for (item, verdict) in zip(request, verdicts) {
                switch verdict {
                case .new:
                    receipts.append(try self.add(item, parts))
                case .stands(let seqs):
                    // What an attempt of this call has left there is news, once.
                    let isOurs = lost.contains(item.receipt) && self.standing[item.key]?.isTold == false
                    receipts.append(
                        Receipt(status: isOurs ? .accepted : .duplicate, positions: self.positions(of: item, seqs))
                    )
                    self.standing[item.key]?.isTold = true
                case .repeats(let first):
                    receipts.append(Receipt(status: .duplicate, positions: receipts[first].positions))
                }
            }
            outcomes.append(.committed(receipts))
        }
        return outcomes
    }

    private func positions(of item: PostgresBatch.Item, _ seqs: [Int]) -> [Position] {
        zip(item.channels, seqs).map { Position(channel: self.batch.names[$0], epoch: self.epoch, seq: $1) }
    }

    private mutating func add(
        _ item: PostgresBatch.Item,
        _ parts: [String: PostgresPartition]
    ) throws(PostgresFault) -> Receipt {
        guard let part = parts[item.event.type] else { throw .unexpected("\(item.event.type) has no partition") }
        let number = self.writing.nextNumber()
        var seqs: [Int] = []
        for place in item.channels {
            var channel = self.channels[place]
            if !item.event.slot.isEmpty, !channel.isSlotted {
                channel.isSlotted = true
                if channel.head > 0 {
                    self.writing.setNewest(channel.id, slot: "", seq: channel.head, part: channel.part)
                }
            }
            if channel.part != part.id {
                channel.part = part.id
                self.writing.addChapter(channel.id, first: channel.head + 1, part: part.id)
            }
            channel.head += 1
            channel.isTouched = true
            seqs.append(channel.head)
            self.writing.add(item.event, number: number, to: channel.id, seq: channel.head, part: part.id)
            if channel.isSlotted {
                self.writing.setNewest(channel.id, slot: item.event.slot, seq: channel.head, part: part.id)
            }
            self.channels[place] = channel
        }
        self.writing.addReceipt(item, seqs)
        self.projecting.add(item.event, seqs)
        self.standing[item.key] = (item.event.fingerprint, seqs, true)
        return Receipt(status: .accepted, positions: self.positions(of: item, seqs))
    }
}
