// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import JSON

/// The appending of one call's requests, inside its transaction.
struct Append {
    /// A channel and a slot of it.
    private struct Slot: Hashable {
        let channel: Int
        let name: ExactText
    }

    /// An event's place in a channel and its row.
    private struct Entry {
        let seq: Int
        let event: Int
    }

    private let epoch: String
    private let accepted: Timestamp
    private let db: Database
    private let statements: AppendStatements
    /// New content of `newest`, written once per call.
    private var newest: [Slot: Entry] = [:]
    /// New content of projection rows.
    private var projected = ProjectionBatch()

    /// - Parameter now: Time of acceptance, unless the last event has a later one.
    init(_ db: Database, ledger: inout AppendCache, epoch: String, now: Timestamp) throws {
        self.db = db
        self.statements = try AppendStatements(db)
        let last = try ledger.last ?? self.statements.lastEvent()
        self.epoch = epoch
        self.accepted = max(now, last.accepted)
        ledger.last = AppendCache.Last(event: last.event, accepted: self.accepted)
    }

    /// Appends one request, or nothing of it if it conflicts.
    mutating func append(_ request: [Event], _ ledger: inout AppendCache) throws -> AppendOutcome {
        let verdicts: [Deduplication<[Int]>]
        let judgement = try Deduplication<[Int]>.decide(request) {
            EventKey(of: request[$0])
        } find: {
            try self.statements.standing(request[$0])
        }
        switch judgement {
        case .conflict(let items): return .conflict(items: items)
        case .verdicts(let all): verdicts = all
        }
        var receipts: [Receipt] = []
        receipts.reserveCapacity(request.count)
        for (event, verdict) in zip(request, verdicts) {
            switch verdict {
            case .new:
                receipts.append(Receipt(status: .accepted, positions: try self.insert(event, &ledger)))
            case .duplicate(let seqs):
                receipts.append(Receipt(status: .duplicate, positions: try self.positions(of: event, seqs)))
            case .repeatedInRequest(let first):
                receipts.append(Receipt(status: .duplicate, positions: receipts[first].positions))
            }
        }
        return .committed(receipts)
    }

    /// Writes the changes collected over all requests.
    /// - Returns: Number of entries that changed no projection row because of their content.
    func finish() throws -> Int {
        for (slot, entry) in self.newest {
            try self.statements.setNewest(slot.channel, slot.name.text, seq: entry.seq, event: entry.event)
        }
        if !self.projected.isEmpty { try ProjectionStatements(self.db).write(self.projected) }
        return self.projected.skipped
    }

    /// The same fingerprint means the same keys in the same order.
    private func positions(of event: Event, _ seqs: [Int]) throws -> [Position] {
        guard seqs.count == event.keys.count else {
            throw TapeFault.damaged("event \(event.id) of \(event.source) is on \(seqs.count) channels")
        }
        return zip(event.channels, seqs).map { Position(channel: $0, epoch: self.epoch, seq: $1) }
    }

    private mutating func insert(_ event: Event, _ ledger: inout AppendCache) throws -> [Position] {
        let type = try self.type(event.type, &ledger)
        let id = (ledger.last?.event ?? 0) + 1
        ledger.last?.event = id
        var positions: [Position] = []
        positions.reserveCapacity(event.keys.count)
        var list = PositionList([])
        for key in event.keys {
            let name = ChannelName(type: event.type, key: key)
            let place = try self.place(of: name.description, slotted: !event.slot.isEmpty, &ledger)
            try self.supersede(&ledger.channels[place], slot: event.slot, type: type)
            ledger.channels[place].head += 1
            let channel = ledger.channels[place]
            if channel.isSlotted {
                let slot = Slot(channel: channel.id, name: ExactText(event.slot))
                self.newest[slot] = Entry(seq: channel.head, event: id)
            }
            try self.statements.addPosition(channel.id, seq: channel.head, event: id)
            list.elements.append(PositionList.Element(channel: channel.id, seq: channel.head))
            positions.append(Position(channel: name, epoch: self.epoch, seq: channel.head))
        }
        try self.statements.addEvent(id, event, type: type, accepted: self.accepted, positions: list)
        try self.statements.age(event: id, type: type)
        self.projected.add(event, seqs: list.elements.lazy.map(\.seq))
        return positions
    }

    /// Prepares a channel for an event with a slot: starts tracking the newest of each slot if this is the first slot,
    /// and returns the superseded entry to retention if retention has skipped it.
    private func supersede(_ channel: inout AppendCache.Channel, slot: String, type: Int) throws {
        if !slot.isEmpty, !channel.isSlotted {
            channel.isSlotted = true
            try self.statements.setSlotted(channel.id)
            if let head = try self.statements.event(at: channel.head, of: channel.id) {
                try self.statements.setNewest(channel.id, "", seq: channel.head, event: head)
            }
        }
        guard channel.isKept else { return }
        if channel.isSlotted {
            // An entry added by this call has never been skipped.
            guard self.newest[Slot(channel: channel.id, name: ExactText(slot))] == nil,
                let event = try self.statements.newest(channel.id, slot)
            else { return }
            try self.statements.age(event: event, type: type)
        } else {
            channel.isKept = false
            try self.statements.setNotKept(channel.id)
            guard let event = try self.statements.event(at: channel.head, of: channel.id) else { return }
            try self.statements.age(event: event, type: type)
        }
    }

    private func place(of name: String, slotted: Bool, _ ledger: inout AppendCache) throws -> Int {
        if let place = ledger.place(of: name) { return place }
        let channel = try self.statements.channel(name) ?? self.statements.addChannel(name, slotted: slotted)
        return ledger.add(channel, named: name)
    }

    private func type(_ name: String, _ ledger: inout AppendCache) throws -> Int {
        if let id = ledger.types[ExactText(name)] { return id }
        let id = try self.statements.type(name)
        ledger.add(type: id, named: name)
        return id
    }
}
