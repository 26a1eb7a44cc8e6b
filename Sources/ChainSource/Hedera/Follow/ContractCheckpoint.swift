// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Checkpoint of one contract's logs.
///
/// ``floor`` divides time. Logs before it are published as final and are read again only by rereads. Logs after it are
/// read at every poll, because a mirror may still be missing some of them; such a log is published as confirmed when it
/// is first seen, and held until the floor has passed it and it has been read once more.
struct ContractCheckpoint: Sendable, Equatable {
    /// A time range before ``floor`` that was read for the first time at a known mirror time.
    struct Mark: Sendable, Equatable {
        /// Exclusive end.
        var floor: ConsensusTime
        /// The mirror's time when the last part was read.
        var head: ConsensusTime
        /// The mirror's time when the first part was read.
        var opened: ConsensusTime
    }

    /// Maximum number of held logs; further ones are published when they are final.
    static let maxHeld = 10_000
    /// Consecutive rereads that may be missing known logs before the answer is accepted.
    static let patience = 5

    let name: ContractName
    /// See ``Mirror/digest(of:)``.
    let digest: String
    var floor: ConsensusTime
    /// Published as confirmed, not yet as final. Some may be before the floor: they were gone when it passed them.
    var held: [LogKey: MirrorFact] = [:]
    /// Published as final, with a reread outstanding.
    var finalKeys = FinalKeys()
    /// Progress of each reread pass.
    var passes: [ConsensusTime]
    /// Ascending.
    var marks: [Mark] = []
    /// Consecutive rereads with missing logs; not stored.
    var failures = 0

    init(name: ContractName, in mirror: Mirror) {
        self.name = name
        self.digest = mirror.digest(of: name)
        self.floor = mirror.start
        self.passes = mirror.rereads.map { _ in mirror.start }
    }

    // MARK: Polling

    /// Processes the result of a poll.
    /// - Parameter head: Newest consensus time of the mirror.
    /// - Returns: What to commit; nil when that can wait.
    mutating func take(
        _ reading: LogReading,
        head: ConsensusTime,
        in mirror: Mirror,
        users: [Address: String]
    ) -> StepResult? {
        var result = StepResult(changes: EntryChanges(prefix: self.entryPrefix))
        let logs = reading.logs.filter { mirror.wanted($0, of: self.name) != nil }
        let newFloor = self.nextFloor(reading, logs, head: head, in: mirror)
        for log in logs {
            let fact = self.fact(of: log, in: mirror, users: users)
            if log.key.time < newFloor {
                self.settle(log, fact, in: mirror, balances: true, &result)
            } else if case .success(let fact) = fact, self.held[log.key] == nil, self.held.count < Self.maxHeld,
                mirror.levels.contains(.confirmed)
            {
                result.events += fact.promote(.confirmed, in: mirror)
                result.facts += 1
                self.hold(fact, &result)
            }
        }
        if mirror.rereads.isEmpty { self.undoHeld(before: newFloor, in: mirror, &result) }
        let isWorthIt = newFloor.duration(since: self.floor) >= max(mirror.settle, .seconds(10))
        guard !result.changes.isEmpty || !result.events.isEmpty || !result.deadLetters.isEmpty || isWorthIt else {
            return nil
        }
        result.hasMore = reading.cut.map { $0 <= newFloor } ?? false
        self.mark(newFloor, head: head, in: mirror)
        self.floor = newFloor
        self.forgetTooMany(in: mirror, &result)
        result.changes.put("at", self.json)
        return result
    }

    /// How far the floor can advance: a settle window behind the mirror, no further than what was read and, for a
    /// while, not past a known log that is missing from this answer, which shows that the answer is incomplete.
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

    // MARK: Rereading

    /// The next time range to read again.
    func nextReread(head: ConsensusTime, in mirror: Mirror) -> (pass: Int, from: ConsensusTime, before: ConsensusTime)?
    {
        for (pass, delay) in mirror.rereads.enumerated() where self.passes.indices.contains(pass) {
            let mark = self.marks.last { $0.head.advanced(by: delay) <= head }
            if let mark, self.passes[pass] < mark.floor { return (pass, self.passes[pass], mark.floor) }
        }
        return nil
    }

    /// Processes the result of a reread: a log that is not published yet was missing the first time.
    /// - Throws: When known logs are missing from the answer, because others may be missing as well.
    mutating func take(
        _ reading: LogReading,
        ofPass pass: Int,
        before end: ConsensusTime,
        in mirror: Mirror,
        users: [Address: String]
    ) throws(FollowFault) -> StepResult {
        var result = StepResult(changes: EntryChanges(prefix: self.entryPrefix))
        let end = reading.cut ?? end
        let logs = reading.logs.filter { mirror.wanted($0, of: self.name) != nil }
        let lacking =
            self.finalKeys.count(from: reading.start, before: end) - logs.count { self.finalKeys.contains($0.key) }
        if lacking > 0, self.failures + 1 < Self.patience {
            self.failures += 1
            throw .again("\(lacking) logs of \(self.name) are missing from the mirror's answer")
        }
        self.failures = 0
        for log in logs where !self.finalKeys.contains(log.key) {
            if self.held[log.key] == nil { result.healed += 1 }
            // A later balance may have been published already; an old one must not replace it.
            self.settle(log, self.fact(of: log, in: mirror, users: users), in: mirror, balances: false, &result)
        }
        self.passes[pass] = end
        if pass == mirror.rereads.count - 1 {
            self.undoHeld(before: min(end, self.floor), in: mirror, &result)
            self.finalKeys.forget(before: end, &result.changes)
        }
        let oldest = self.passes.min() ?? self.floor
        self.marks.removeAll { $0.floor <= oldest }
        self.forgetTooMany(in: mirror, &result)
        result.changes.put("at", self.json)
        result.hasMore = true
        return result
    }

    // MARK: Helpers

    private func fact(
        of log: MirrorLog,
        in mirror: Mirror,
        users: [Address: String]
    ) -> Result<MirrorFact, UndecodableLog> {
        guard let wanted = mirror.wanted(log, of: self.name) else {
            return .failure(UndecodableLog(reason: "its event is not followed"))
        }
        do throws(UndecodableLog) {
            return .success(try MirrorFact(log, of: self.name, wanted, in: mirror, users: users))
        } catch {
            return .failure(error)
        }
    }

    /// Publishes a log as final.
    private mutating func settle(
        _ log: MirrorLog,
        _ fact: Result<MirrorFact, UndecodableLog>,
        in mirror: Mirror,
        balances: Bool,
        _ result: inout StepResult
    ) {
        let before = self.held[log.key]
        if before != nil { self.release(log.key, &result) }
        switch fact {
        case .success(let fact):
            if let before, before.says(fact) {
                // Unchanged since it was published, with the owners of that time.
                result.events += before.promote(.final, in: mirror, balances: balances)
            } else {
                if let before {
                    result.events += before.undo(in: mirror)
                    result.undone += 1
                }
                result.events += fact.promote(.final, in: mirror, balances: balances)
                result.facts += 1
            }
        case .failure(let fault):
            if let before {
                result.events += before.undo(in: mirror)
                result.undone += 1
            }
            result.deadLetters.append(
                DeadLetter(received: .now, channel: mirror.source, payload: log.json, reason: fault.reason)
            )
        }
        if !mirror.rereads.isEmpty { self.finalKeys.insert(log.key, &result.changes) }
    }

    /// Undoes confirmed logs that no longer exist.
    private mutating func undoHeld(before time: ConsensusTime, in mirror: Mirror, _ result: inout StepResult) {
        for key in self.held.keys.filter({ $0.time < time }).sorted() {
            guard let fact = self.held[key] else { continue }
            result.events += fact.undo(in: mirror)
            result.undone += 1
            self.release(key, &result)
        }
    }

    private mutating func hold(_ fact: MirrorFact, _ result: inout StepResult) {
        self.held[fact.key] = fact
        var writer = JSON.Writer()
        fact.write(to: &writer)
        result.changes.put(Self.heldName(fact.key), writer.bytes)
    }

    private mutating func release(_ key: LogKey, _ result: inout StepResult) {
        self.held[key] = nil
        result.changes.remove(Self.heldName(key))
    }

    private mutating func mark(_ newFloor: ConsensusTime, head: ConsensusTime, in mirror: Mirror) {
        guard newFloor > self.floor, let shortest = mirror.rereads.min() else { return }
        // The reread delay counts from the last part of a mark, so a long mark would be read again late.
        let length = min(.seconds(600), shortest / 6)
        if let last = self.marks.last, head.duration(since: last.opened) < length {
            self.marks[self.marks.count - 1].floor = newFloor
            self.marks[self.marks.count - 1].head = max(last.head, head)
        } else {
            let last = self.marks.last?.head ?? head
            self.marks.append(Mark(floor: newFloor, head: max(last, head), opened: max(last, head)))
        }
    }

    /// Logs whose keys are dropped cannot be distinguished from missing ones, so they are not read again.
    private mutating func forgetTooMany(in mirror: Mirror, _ result: inout StepResult) {
        while self.finalKeys.count > max(mirror.remembered, FinalKeys.bucketSize),
            let last = self.finalKeys.forgetOldest(&result.changes)
        {
            let end = last.advanced(by: .nanoseconds(1))
            self.passes = self.passes.map { max($0, end) }
        }
    }
}
