// SPDX-License-Identifier: Apache-2.0

import Hub

/// What a memory tape holds: channels, events and the lists for reading.
struct MemoryStore {
    let epoch: String
    let budget: Int
    private var places: [ExactText: Int] = [:]
    private var channels: [MemoryChannel] = []
    private var events: [EventKey: Record] = [:]
    private var ageing = Ageing()
    private var lastOrdinal = 0
    private var lastAccepted = Timestamp(nanoseconds: .min)
    /// Costs, in bytes.
    private var eventCost = 0
    private var channelCost = 0

    init(epoch: String, budget: Int) {
        self.epoch = epoch
        self.budget = budget
    }

    // MARK: Appending

    mutating func append(_ requests: [[Event]], now: Timestamp) throws(TapeFault) -> [AppendOutcome] {
        guard self.channelCost <= self.budget else {
            throw .unavailable("\(self.channels.count) channels fill the memory tape's budget of \(self.budget) bytes")
        }
        self.lastAccepted = max(now, self.lastAccepted)
        var outcomes: [AppendOutcome] = []
        outcomes.reserveCapacity(requests.count)
        for request in requests {
            outcomes.append(self.append(request))
        }
        self.evict()
        return outcomes
    }

    private mutating func append(_ request: [Event]) -> AppendOutcome {
        let verdicts: [Verdict<Record>]
        let judgement = Verdict<Record>.judge(request) { event in
            self.events[EventKey(of: event)].map { ($0.event.fingerprint, $0) }
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
                receipts.append(Receipt(status: .accepted, positions: self.insert(event)))
            case .stands(let record):
                receipts.append(Receipt(status: .duplicate, positions: self.positions(of: record)))
            case .repeats(let first):
                receipts.append(Receipt(status: .duplicate, positions: receipts[first].positions))
            }
        }
        return .committed(receipts)
    }

    private func positions(of record: Record) -> [Position] {
        zip(record.channels, record.seqs).map { channel, seq in
            Position(channel: self.channels[channel].name, epoch: self.epoch, seq: seq)
        }
    }

    private mutating func insert(_ event: Event) -> [Position] {
        let places = event.channels.map { self.place(of: $0) }
        self.lastOrdinal += 1
        // A key that comes twice gets two numbers.
        var taken: [Int] = []
        var seqs: [Int] = []
        for place in places {
            seqs.append(self.channels[place].head + 1 + taken.count { $0 == place })
            if places.count > 1 { taken.append(place) }
        }
        let record = Record(
            event: event,
            accepted: self.lastAccepted,
            ordinal: self.lastOrdinal,
            channels: places,
            seqs: seqs
        )
        let slot = ExactText(event.slot)
        for place in places {
            if let superseded = self.channels[place].append(record, slot: slot), superseded.standing == .kept {
                self.ageing.putBack(superseded)
            }
        }
        self.events[EventKey(of: event)] = record
        self.ageing.append(record)
        self.eventCost += record.cost
        return self.positions(of: record)
    }

    private mutating func place(of name: ChannelName) -> Int {
        if let place = self.places[ExactText(name.description)] { return place }
        let channel = MemoryChannel(name: name)
        self.places[ExactText(name.description)] = self.channels.count
        self.channels.append(channel)
        self.channelCost += channel.cost
        return self.channels.count - 1
    }

    // MARK: Forgetting

    mutating func prune(type: String, acceptedBefore time: Timestamp, limit: Int) -> Int {
        var removed = 0
        while removed < limit, let record = self.ageing.oldest(of: type), record.accepted < time {
            self.ageing.removeOldest(of: type)
            if self.isNewest(record) {
                self.ageing.keep(record)
            } else {
                self.remove(record)
                removed += 1
            }
        }
        return removed
    }

    private mutating func evict() {
        while self.eventCost + self.channelCost > self.budget {
            if let record = self.ageing.oldest() {
                self.ageing.removeOldest(of: record.event.type)
                if self.isNewest(record) {
                    self.ageing.keep(record)
                } else {
                    self.remove(record)
                }
            } else if let record = self.ageing.removeKept() {
                self.remove(record)
            } else {
                return
            }
        }
    }

    private func isNewest(_ record: Record) -> Bool {
        let slot = ExactText(record.event.slot)
        return zip(record.channels, record.seqs).contains { self.channels[$0].isNewest($1, slot: slot) }
    }

    private mutating func remove(_ record: Record) {
        record.standing = .removed
        self.events[EventKey(of: record.event)] = nil
        self.eventCost -= record.cost
        let slot = ExactText(record.event.slot)
        for (channel, seq) in zip(record.channels, record.seqs) {
            self.channels[channel].remove(seq, slot: slot)
        }
    }

    // MARK: Reading

    private func channel(_ name: ChannelName) -> MemoryChannel {
        self.places[ExactText(name.description)].map { self.channels[$0] } ?? MemoryChannel(name: name)
    }

    private func extent(of channel: MemoryChannel) -> Extent {
        Extent(epoch: self.epoch, first: channel.first, head: channel.head)
    }

    func extent(of name: ChannelName) -> Extent {
        self.extent(of: self.channel(name))
    }

    func page(of name: ChannelName, after seq: Int, limit: PageLimit) -> TapePage {
        let channel = self.channel(name)
        var page = TapePage(entries: [], extent: self.extent(of: channel))
        guard seq < channel.head else { return page }
        var next = max(seq + 1, channel.first)
        var bytes = 0
        while page.entries.count < max(limit.entries, 1), let record = channel.record(at: next) {
            let entry = TapeEntry(seq: next, event: record.event)
            bytes += entry.cost
            if bytes > limit.bytes, !page.entries.isEmpty { break }
            page.entries.append(entry)
            next += 1
        }
        return page
    }

    func latest(of name: ChannelName) -> TapePage {
        let channel = self.channel(name)
        let entries = channel.newest.values.map { TapeEntry(seq: $0.seq, event: $0.record.event) }
        return TapePage(entries: entries.sorted { $0.seq < $1.seq }, extent: self.extent(of: channel))
    }

    /// Looks at every channel: listings are for people.
    func channels(withPrefix prefix: String, after name: String?, limit: Int) -> [ChannelListing] {
        self.channels
            .filter { channel in
                let text = channel.name.description.utf8
                return text.starts(with: prefix.utf8) && (name?.utf8.lexicographicallyPrecedes(text) ?? true)
            }
            .sorted { $0.name.description.utf8.lexicographicallyPrecedes($1.name.description.utf8) }
            .prefix(max(limit, 0))
            .map { ChannelListing(name: $0.name, extent: self.extent(of: $0)) }
    }
}
