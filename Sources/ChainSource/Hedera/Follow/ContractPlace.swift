// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Where a follower is with the logs of one contract.
///
/// Time is cut at ``floor``. What is before it has been told of as final, for good, and is read again only by the
/// rereadings. What is after it is read at every look, as a mirror may still be missing some of it; a log in there is
/// told of as confirmed when it is first seen, and held until the floor has passed it and it is read once more.
struct ContractPlace: Sendable, Equatable {
    /// A part of the time before ``floor``: what was newly read when the mirror had come to a certain time.
    struct Mark: Sendable, Equatable {
        /// Its end, exclusively.
        var floor: ConsensusTime
        /// The mirror's time when its last bit was read.
        var head: ConsensusTime
        /// The mirror's time when its first bit was read.
        var opened: ConsensusTime
    }

    /// Logs held at once; those beyond it are told of when they are final.
    static let maxHeld = 10_000
    /// Readings in a row that may lack what was there before, until such an answer is taken for what it is.
    static let patience = 5

    let name: ContractName
    /// See ``Mirror/digest(of:)``.
    let digest: String
    var floor: ConsensusTime
    /// Told of as confirmed, not yet as final. Some may be before the floor: they were not there any more when it passed.
    var held: [LogKey: MirrorFact] = [:]
    /// Told of as final and not read for the last time.
    var told = ToldKeys()
    /// How far each rereading has come.
    var passes: [ConsensusTime]
    /// Ascending.
    var marks: [Mark] = []
    /// Rereadings in a row that lacked something; not kept.
    var failures = 0

    init(name: ContractName, in mirror: Mirror) {
        self.name = name
        self.digest = mirror.digest(of: name)
        self.floor = mirror.start
        self.passes = mirror.rereads.map { _ in mirror.start }
    }

    // MARK: Looking

    /// Takes in what a look has found.
    /// - Parameter head: How far the mirror has come.
    /// - Returns: What is to be committed; nil when that can wait.
    mutating func take(
        _ reading: LogReading,
        head: ConsensusTime,
        in mirror: Mirror,
        users: [Address: String]
    ) -> Taken? {
        var taken = Taken(changes: EntryChanges(prefix: self.entryPrefix))
        let logs = reading.logs.filter { mirror.wanted($0, of: self.name) != nil }
        let newFloor = self.nextFloor(reading, logs, head: head, in: mirror)
        for log in logs {
            let fact = self.fact(of: log, in: mirror, users: users)
            if log.key.time < newFloor {
                self.settle(log, fact, in: mirror, balances: true, &taken)
            } else if case .success(let fact) = fact, self.held[log.key] == nil, self.held.count < Self.maxHeld,
                mirror.levels.contains(.confirmed)
            {
                taken.events += fact.reach(.confirmed, in: mirror)
                taken.facts += 1
                self.hold(fact, &taken)
            }
        }
        if mirror.rereads.isEmpty { self.undoHeld(before: newFloor, in: mirror, &taken) }
        let isWorthIt = newFloor.duration(since: self.floor) >= max(mirror.settle, .seconds(10))
        guard !taken.changes.isEmpty || !taken.events.isEmpty || !taken.letters.isEmpty || isWorthIt else { return nil }
        taken.hasMore = reading.cut.map { $0 <= newFloor } ?? false
        self.mark(newFloor, head: head, in: mirror)
        self.floor = newFloor
        self.forgetTooMany(in: mirror, &taken)
        taken.changes.put("at", self.json)
        return taken
    }

    /// How far the floor can go: a settle window behind the mirror, as far as was read, and, for a while, not past a
    /// log that was seen and is not in this answer, which is thereby known to be incomplete.
    private func nextFloor(
        _ reading: LogReading,
        _ logs: [MirrorLog],
        head: ConsensusTime,
        in mirror: Mirror
    ) -> ConsensusTime {
        var floor = min(head.advanced(by: .zero - mirror.settle), reading.cut ?? head)
        let present = Set(logs.map(\.key))
        for key in self.held.keys where key.time >= self.floor && key.time < floor && !present.contains(key) {
            if head.duration(since: key.time) < mirror.settle * 2 { floor = key.time }
        }
        return max(floor, self.floor)
    }

    // MARK: Reading again

    /// The next stretch to read again.
    func nextReread(head: ConsensusTime, in mirror: Mirror) -> (pass: Int, from: ConsensusTime, before: ConsensusTime)?
    {
        for (pass, delay) in mirror.rereads.enumerated() where self.passes.indices.contains(pass) {
            let mark = self.marks.last { $0.head.advanced(by: delay) <= head }
            if let mark, self.passes[pass] < mark.floor { return (pass, self.passes[pass], mark.floor) }
        }
        return nil
    }

    /// Takes in what a rereading has found: what is not told of yet was missing the first time.
    /// - Throws: When the answer lacks what was there before, so there is no telling what else it lacks.
    mutating func take(
        _ reading: LogReading,
        ofPass pass: Int,
        before end: ConsensusTime,
        in mirror: Mirror,
        users: [Address: String]
    ) throws(FollowFault) -> Taken {
        var taken = Taken(changes: EntryChanges(prefix: self.entryPrefix))
        let end = reading.cut ?? end
        let logs = reading.logs.filter { mirror.wanted($0, of: self.name) != nil }
        let lacking =
            self.told.count(from: reading.start, before: end) - logs.count { self.told.contains($0.key) }
        if lacking > 0, self.failures + 1 < Self.patience {
            self.failures += 1
            throw .again("the mirror's answer lacks \(lacking) logs of \(self.name) that it had before")
        }
        self.failures = 0
        for log in logs where !self.told.contains(log.key) {
            if self.held[log.key] == nil { taken.healed += 1 }
            // A later balance may have been told already; an old one must not replace it.
            self.settle(log, self.fact(of: log, in: mirror, users: users), in: mirror, balances: false, &taken)
        }
        self.passes[pass] = end
        if pass == mirror.rereads.count - 1 {
            self.undoHeld(before: min(end, self.floor), in: mirror, &taken)
            self.told.forget(before: end, &taken.changes)
        }
        let oldest = self.passes.min() ?? self.floor
        self.marks.removeAll { $0.floor <= oldest }
        self.forgetTooMany(in: mirror, &taken)
        taken.changes.put("at", self.json)
        taken.hasMore = true
        return taken
    }

    // MARK: Parts

    private func fact(
        of log: MirrorLog,
        in mirror: Mirror,
        users: [Address: String]
    ) -> Result<MirrorFact, UndecodableLog> {
        guard let wanted = mirror.wanted(log, of: self.name) else {
            return .failure(UndecodableLog(reason: "its event is not wanted"))
        }
        do throws(UndecodableLog) {
            return .success(try MirrorFact(log, of: self.name, wanted, in: mirror, users: users))
        } catch {
            return .failure(error)
        }
    }

    /// Tells of a log for good.
    private mutating func settle(
        _ log: MirrorLog,
        _ fact: Result<MirrorFact, UndecodableLog>,
        in mirror: Mirror,
        balances: Bool,
        _ taken: inout Taken
    ) {
        let before = self.held[log.key]
        if before != nil { self.release(log.key, &taken) }
        switch fact {
        case .success(let fact):
            if let before, before.says(fact) {
                // As it was told of, with the owners of then.
                taken.events += before.reach(.final, in: mirror, balances: balances)
            } else {
                if let before {
                    taken.events += before.undo(in: mirror)
                    taken.undone += 1
                }
                taken.events += fact.reach(.final, in: mirror, balances: balances)
                taken.facts += 1
            }
        case .failure(let fault):
            if let before {
                taken.events += before.undo(in: mirror)
                taken.undone += 1
            }
            taken.letters.append(
                DeadLetter(received: .now, channel: mirror.source, payload: log.json, reason: fault.reason)
            )
        }
        if !mirror.rereads.isEmpty { self.told.insert(log.key, &taken.changes) }
    }

    /// Takes back what was told of as confirmed and is not there.
    private mutating func undoHeld(before time: ConsensusTime, in mirror: Mirror, _ taken: inout Taken) {
        for key in self.held.keys.filter({ $0.time < time }).sorted() {
            guard let fact = self.held[key] else { continue }
            taken.events += fact.undo(in: mirror)
            taken.undone += 1
            self.release(key, &taken)
        }
    }

    private mutating func hold(_ fact: MirrorFact, _ taken: inout Taken) {
        self.held[fact.key] = fact
        var writer = JSON.Writer()
        fact.write(to: &writer)
        taken.changes.put(Self.heldName(fact.key), writer.bytes)
    }

    private mutating func release(_ key: LogKey, _ taken: inout Taken) {
        self.held[key] = nil
        taken.changes.remove(Self.heldName(key))
    }

    private mutating func mark(_ newFloor: ConsensusTime, head: ConsensusTime, in mirror: Mirror) {
        guard newFloor > self.floor, let shortest = mirror.rereads.min() else { return }
        // A mark counts from its last bit, so a long one would be read again late.
        let length = min(.seconds(600), shortest / 6)
        if let last = self.marks.last, head.duration(since: last.opened) < length {
            self.marks[self.marks.count - 1].floor = newFloor
            self.marks[self.marks.count - 1].head = max(last.head, head)
        } else {
            let last = self.marks.last?.head ?? head
            self.marks.append(Mark(floor: newFloor, head: max(last, head), opened: max(last, head)))
        }
    }

    /// What is not remembered cannot be told from what is missing, so it is not read again.
    private mutating func forgetTooMany(in mirror: Mirror, _ taken: inout Taken) {
        while self.told.count > max(mirror.remembered, ToldKeys.bucketSize),
            let last = self.told.forgetOldest(&taken.changes)
        {
            let end = last.advanced(by: .nanoseconds(1))
            self.passes = self.passes.map { max($0, end) }
        }
    }
}
