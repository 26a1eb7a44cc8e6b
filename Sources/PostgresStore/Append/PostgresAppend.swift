// SPDX-License-Identifier: Apache-2.0

import EventLog

/// One attempt to append a batch, in one transaction.
///
/// **Optimistic**: if this node was the last to append to all channels of the batch, as far as it knows, everything is
/// sent in one round trip, including `COMMIT`. The server checks the assumptions: each channel is as this node left it,
/// and, by the primary key of `receipts`, no event is stored already. If one of them is wrong, the transaction fails as
/// a whole and is repeated with the locked path. (Rows of projections have to be read before they are written, which
/// needs two round trips.)
///
/// **Locked**: one round trip locks the rows of the channels and reads existing receipts, the next one writes.
///
/// Both paths lock the rows of the channels first, in the same order on every node. Changes of other transactions to
/// these channels, and to events on them, are committed or rolled back by then, and visible to the statements after the
/// lock (`READ COMMITTED`). Another node may still append the same ID with *other* channels at the same time. Then the
/// primary key of `receipts` lets one of them win, and the other one retries and finds it.
struct PostgresAppend {
    /// Result of an attempt without a fault.
    enum Ending: Sendable {
        /// - Parameter skipped: See ``Projections/skipped``.
        case settled([AppendOutcome], skipped: Int)
        /// There is no partition yet for events of these types at this time.
        case lacksPartitions([String], at: Timestamp)
        /// The source of the batch is not at the state where its step begins.
        case moved
    }

    struct Channel {
        let id: Int
        /// State before this batch.
        let former: PostgresChannel.State
        var state: PostgresChannel.State

        init(id: Int, _ state: PostgresChannel.State) {
            self.id = id
            self.former = state
            self.state = state
        }
    }

    let batch: PostgresBatch
    let session: PostgresSession
    let epoch: String
    /// In the order of the batch's names.
    var channels: [Channel] = []
    /// Receipts by ID: those found, and those appended by the batch itself.
    var standing: [ReceiptKey: (fingerprint: Fingerprint, seqs: [Int], isTold: Bool)] = [:]
    var writing: AppendRows
    var projecting = ProjectionRows()

    static func run(
        _ batch: PostgresBatch,
        on session: PostgresSession,
        _ memory: inout AppendCache
    ) throws(PostgresFault) -> Ending {
        guard !batch.names.isEmpty || batch.step != nil else {
            return .settled(batch.requests.map { _ in .committed([]) }, skipped: 0)
        }
        memory.isCommitting = false
        if session.isFresh {
            try session.recognise(memory.epoch)
            memory.channels = [:]
            memory.partitions.forget()
            memory.time = nil
            session.isFresh = false
        }
        var append = PostgresAppend(batch, session, memory.epoch)
        if let ending = try append.runAtOnce(&memory) { return ending }
        append = PostgresAppend(batch, session, memory.epoch)
        return try append.runWithLook(&memory)
    }

    private init(_ batch: PostgresBatch, _ session: PostgresSession, _ epoch: String) {
        self.batch = batch
        self.session = session
        self.epoch = epoch
        self.writing = AppendRows(batch, accepted: Timestamp(nanoseconds: 0))
    }

    /// Sends the last commands of the transaction.
    mutating func commit(_ commands: [PostgresCommand], _ memory: inout AppendCache) throws(PostgresFault) {
        guard !self.batch.isTrial else {
            _ = try self.session.run(commands + [PostgresCommand(.rollback)])
            return
        }
        memory.isCommitting = true
        do throws(PostgresFault) {
            try self.session.commit(with: commands)
        } catch {
            if case .lost = error {
                memory.lost.formUnion(self.writing.keys)
            } else {
                // The server has answered: whatever it refused, nothing of the transaction is stored.
                memory.isCommitting = false
            }
            throw error
        }
        memory.isCommitting = false
        for (name, channel) in zip(self.batch.names, self.channels) {
            memory.channels[name]?.state = channel.state
            memory.channels[name]?.highest = channel.state.head
        }
    }

    /// The partitions of the batch's types for a time of acceptance, and the types without one.
    func partitions(
        _ memory: AppendCache,
        at time: Timestamp
    ) -> (found: [String: PostgresPartition], missing: [String]) {
        var found: [String: PostgresPartition] = [:]
        var missing: Set<String> = []
        for name in self.batch.names {
            let type = String(name.type)
            guard found[type] == nil else { continue }
            found[type] = memory.partitions.partition(of: type, at: time)
            if found[type] == nil { missing.insert(type) }
        }
        return (found, missing.sorted())
    }

    /// Sets the new state of the channels, in the order in which their rows are locked.
    mutating func moveChannels() {
        for channel in self.channels.sorted(by: { $0.id < $1.id }) where channel.state.head != channel.former.head {
            self.writing.set(channel.id, channel.state, from: channel.former)
        }
    }

    // MARK: Deduplication

    mutating func judge(
        _ parts: [String: PostgresPartition],
        _ lost: Set<ReceiptKey>
    ) throws(PostgresFault) -> [AppendOutcome] {
        var outcomes: [AppendOutcome] = []
        outcomes.reserveCapacity(self.batch.requests.count)
        for request in self.batch.requests.indices {
            let items = self.batch.items[request]
            let verdicts: [Deduplication<[Int]>]
            let judgement = Deduplication<[Int]>.decide(self.batch.requests[request]) {
                items[$0].key
            } find: {
                self.standing[items[$0].key].map { ($0.0, $0.1) }
            }
            switch judgement {
            case .conflict(let items):
                outcomes.append(.conflict(items: items))
                continue
            case .verdicts(let all): verdicts = all
            }
            var receipts: [Receipt] = []
            receipts.reserveCapacity(items.count)
            for index in items.indices {
                switch verdicts[index] {
                case .new:
                    receipts.append(try self.add(PostgresBatch.Place(request: request, event: index), parts))
                case .duplicate(let seqs):
                    let item = items[index]
                    // Events stored by an earlier attempt of this call are reported as accepted, once.
                    let isOurs = lost.contains(item.key) && self.standing[item.key]?.isTold == false
                    receipts.append(
                        Receipt(status: isOurs ? .accepted : .duplicate, positions: self.positions(of: item, seqs))
                    )
                    self.standing[item.key]?.isTold = true
                case .repeatedInRequest(let first):
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
        _ place: PostgresBatch.Place,
        _ parts: [String: PostgresPartition]
    ) throws(PostgresFault) -> Receipt {
        let event = self.batch[place]
        let item = self.batch.items[place.request][place.event]
        guard let part = parts[event.type] else { throw .unexpected("\(event.type) has no partition") }
        let number = self.writing.nextNumber()
        var seqs: [Int] = []
        for index in item.channels {
            var channel = self.channels[index]
            let id = channel.id
            if !event.slot.isEmpty, !channel.state.isSlotted {
                channel.state.isSlotted = true
                if channel.state.head > 0 {
                    self.writing.setNewest(id, slot: "", seq: channel.state.head, part: channel.state.part)
                }
            }
            if channel.state.part != part.id {
                channel.state.part = part.id
                self.writing.addChapter(id, first: channel.state.head + 1, part: part.id)
            }
            channel.state.head += 1
            let seq = channel.state.head
            seqs.append(seq)
            self.writing.add(place, number: number, to: id, seq: seq, part: part.id)
            if channel.state.isSlotted {
                self.writing.setNewest(id, slot: event.slot, seq: seq, part: part.id)
            }
            self.channels[index] = channel
        }
        self.writing.addReceipt(item.key, event.fingerprint, seqs)
        self.projecting.add(event, seqs)
        self.standing[item.key] = (event.fingerprint, seqs, true)
        return Receipt(status: .accepted, positions: self.positions(of: item, seqs))
    }
}
