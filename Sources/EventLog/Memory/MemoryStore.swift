// SPDX-License-Identifier: Apache-2.0

import JSON

/// Contents of a memory tape: channels, events and the lists for reading.
struct MemoryStore {
    let epoch: String
    let budget: Int
    private var types: [MemoryType] = []
    private var channels: [MemoryChannel] = []
    private var events: [EventKey: Record] = [:]
    private var kept = KeptRecords()
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
        if request.count == 1, let event = request.first { return self.append(event) }
        let verdicts: [Deduplication<Record>]
        let keys = request.map(EventKey.init(of:))
        let judgement = Deduplication<Record>.decide(request) {
            keys[$0]
        } find: { index in
            self.events[keys[index]].map { ($0.event.fingerprint, $0) }
        }
        switch judgement {
        case .conflict(let items): return .conflict(items: items)
        case .verdicts(let all): verdicts = all
        }
        var receipts: [Receipt] = []
        receipts.reserveCapacity(request.count)
        for (index, verdict) in verdicts.enumerated() {
            switch verdict {
            case .new:
                let positions = self.insert(request[index], keys[index])
                receipts.append(Receipt(status: .accepted, positions: positions))
            case .duplicate(let record):
                receipts.append(Receipt(status: .duplicate, positions: self.positions(of: record)))
            case .repeatedInRequest(let first):
                receipts.append(Receipt(status: .duplicate, positions: receipts[first].positions))
            }
        }
        return .committed(receipts)
    }

    /// Fast path for a request of one event, equivalent to the general case without its lists.
    private mutating func append(_ event: Event) -> AppendOutcome {
        let key = EventKey(of: event)
        guard let known = self.events[key] else {
            return .committed([Receipt(status: .accepted, positions: self.insert(event, key))])
        }
        guard known.event.fingerprint == event.fingerprint else { return .conflict(items: [0]) }
        return .committed([Receipt(status: .duplicate, positions: self.positions(of: known))])
    }

    private func positions(of record: Record) -> [Position] {
        zip(record.channels, record.seqs).map { channel, seq in
            Position(channel: self.channels[channel].name, epoch: self.epoch, seq: seq)
        }
    }

    private mutating func insert(_ event: Event, _ key: EventKey) -> [Position] {
        let type = self.type(event.type)
        var places: [Int] = []
        var seqs: [Int] = []
        places.reserveCapacity(event.keys.count)
        seqs.reserveCapacity(event.keys.count)
        for channelKey in event.keys {
            let place = self.place(of: channelKey, type: type)
            // A repeated key gets two numbers.
            let repeats = places.isEmpty ? 0 : places.count { $0 == place }
            places.append(place)
            seqs.append(self.channels[place].head + 1 + repeats)
        }
        self.lastOrdinal += 1
        let record = Record(
            event: event,
            key: key,
            type: type,
            accepted: self.lastAccepted,
            ordinal: self.lastOrdinal,
            channels: places,
            seqs: seqs
        )
        for place in places {
            if let superseded = self.channels[place].append(record), superseded.standing == .kept {
                self.kept.release(superseded)
                self.types[type].putBack(superseded)
            }
        }
        self.events[key] = record
        self.types[type].append(record)
        self.eventCost += record.cost
        return self.positions(of: record)
    }

    /// There are few types, and their names are usually identical strings, which compare fast.
    private func findType(_ name: String) -> Int? {
        let name = ExactText(name)
        return self.types.firstIndex { $0.name == name }
    }

    private mutating func type(_ name: String) -> Int {
        if let type = self.findType(name) { return type }
        self.types.append(MemoryType(name: ExactText(name)))
        return self.types.count - 1
    }

    private mutating func place(of key: String, type: Int) -> Int {
        if let place = self.types[type].places[ExactText(key)] { return place }
        let channel = MemoryChannel(name: ChannelName(type: self.types[type].name.text, key: key))
        self.types[type].places[ExactText(key)] = self.channels.count
        self.channels.append(channel)
        self.channelCost += channel.cost
        return self.channels.count - 1
    }

    // MARK: Retention

    mutating func prune(type name: String, acceptedBefore time: Timestamp, limit: Int) -> Int {
        guard let type = self.findType(name) else { return 0 }
        var removed = 0
        while removed < limit, let record = self.types[type].oldest, record.accepted < time {
            if self.forget(record) { removed += 1 }
        }
        return removed
    }

    private mutating func evict() {
        while self.eventCost + self.channelCost > self.budget {
            if let record = self.types.lazy.compactMap(\.oldest).min(by: { $0.ordinal < $1.ordinal }) {
                _ = self.forget(record)
            } else if let record = self.kept.removeFirst() {
                self.remove(record)
            } else {
                return
            }
        }
    }

    /// Removes the oldest record of its type, or skips it as the newest of a slot.
    private mutating func forget(_ record: Record) -> Bool {
        self.types[record.type].removeOldest()
        let isNewest = zip(record.channels, record.seqs).contains {
            self.channels[$0].isNewest($1, slot: record.event.slot)
        }
        if isNewest {
            self.kept.append(record)
        } else {
            self.remove(record)
        }
        return !isNewest
    }

    private mutating func remove(_ record: Record) {
        record.standing = .removed
        self.events[record.key] = nil
        self.eventCost -= record.cost
        for (channel, seq) in zip(record.channels, record.seqs) {
            self.channels[channel].remove(seq, slot: record.event.slot)
        }
    }

    // MARK: Reading

    private func channel(_ name: ChannelName) -> MemoryChannel {
        self.findType(String(name.type))
            .flatMap { self.types[$0].places[ExactText(String(name.key))] }
            .map { self.channels[$0] } ?? MemoryChannel(name: name)
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
        let entries = channel.newest.map { TapeEntry(seq: $0.seq, event: $0.record.event) }
        return TapePage(entries: entries.sorted { $0.seq < $1.seq }, extent: self.extent(of: channel))
    }

    /// Scans all channels, because listings are for operators only.
    func channels(withPrefix prefix: String, after name: String?, limit: Int) -> [ChannelListing] {
        self.channels
            .filter { channel in
                let text = channel.name.description.utf8
                return text.starts(with: prefix.utf8) && (name?.utf8.lexicographicallyPrecedes(text) ?? true)
            }
            .sorted { $0.name < $1.name }
            .prefix(max(limit, 0))
            .map { ChannelListing(name: $0.name, extent: self.extent(of: $0)) }
    }
}
