// SPDX-License-Identifier: Apache-2.0

import EventLog

/// What is wrong with storage, for one node.
struct StorageTrouble: Trouble, CustomStringConvertible {
    /// How long a call takes, each way.
    var delay: ClosedRange<Double> = 0.000_1...0.003
    /// Probabilities that an append fails, by kind.
    var unavailable = 0.0
    /// The answer of a commit is lost.
    var lostAnswer = 0.0
    /// The connection breaks; the transaction ends later, one way or the other.
    var late = 0.0
    /// The probability that a read fails.
    var failedReads = 0.0

    static let none = StorageTrouble()

    var description: String {
        "storage takes \(self.delay) s, of its appends \(self.unavailable) fail, \(self.lostAnswer) get no answer, "
            + "\(self.late) break in the commit; \(self.failedReads) of its reads fail"
    }
}

/// The database of a simulated cluster: survives every node, commits atomically, and knows what it committed.
final class SimulatedStore: @unchecked Sendable {
    /// A transaction whose connection broke: it holds its locks until it ends.
    private struct Orphan {
        let channels: Set<ChannelName>
        let end: Int64
    }

    let base: MemoryTape
    var revocations: [RevocationChange] = []
    let leadership = Leadership()
    let isShared: Bool
    private let commitLog: CommitLog
    private var orphans: [Orphan] = []

    init(isShared: Bool, commitLog: CommitLog) {
        self.base = MemoryTape()
        self.isShared = isShared
        self.commitLog = commitLog
    }

    /// Until when an unfinished transaction locks one of these channels.
    private func lockedUntil(_ channels: Set<ChannelName>) -> Int64? {
        self.orphans.removeAll { $0.end <= Simulation.current.now }
        return self.orphans.filter { !$0.channels.isDisjoint(with: channels) }.map(\.end).max()
    }

    /// Waits for the locks of other transactions.
    func lock(_ requests: [[Event]]) async throws(TapeFault) {
        let channels = Set(requests.joined().flatMap(\.channels))
        let limit = Simulation.current.now + 4_000_000_000
        while let end = self.lockedUntil(channels) {
            guard end < limit, !Task.isCancelled else { throw .unavailable("a lock is not free") }
            try? await Task.sleep(for: .nanoseconds(end - Simulation.current.now + 1))
        }
    }

    func commit(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        let outcomes = try await self.base.append(requests)
        self.commitLog.committed(requests, outcomes)
        return outcomes
    }

    /// Commits later, or never.
    func commitLate(_ requests: [[Event]], after delay: Duration, succeeds: Bool, on pool: Pool) {
        let channels = Set(requests.joined().flatMap(\.channels))
        self.orphans.append(Orphan(channels: channels, end: Simulation.current.now + delay.nanoseconds))
        guard succeeds else { return }
        Task(executorPreference: pool) {
            try? await Task.sleep(for: delay - .microseconds(1))
            Simulation.current.trace("a transaction commits that nobody waits for any more")
            _ = try? await self.commit(requests)
        }
    }
}

/// A node's connection to the store.
final class SimulatedTape: Tape, @unchecked Sendable {
    /// Content that the store refuses.
    static let poison = Array("poison".utf8)

    let store: SimulatedStore
    private let node: Int
    /// Belongs to no node, so that its transactions end after a crash too.
    private let server: Pool
    var trouble = StorageTrouble.none
    private var random: SeededRandom

    init(_ store: SimulatedStore, node: Int, server: Pool, random: SeededRandom) {
        self.store = store
        self.node = node
        self.server = server
        self.random = random
    }

    var epoch: String { self.store.base.epoch }
    var isShared: Bool { self.store.isShared }

    private func travel() async {
        try? await Task.sleep(for: self.random.time(self.trouble.delay))
    }

    /// A round trip that may fail.
    func reach() async throws(TapeFault) {
        try await self.read { () async throws(TapeFault) in }
    }

    private func read<Value>(_ work: () async throws(TapeFault) -> Value) async throws(TapeFault) -> Value {
        await self.travel()
        if self.random.happens(self.trouble.failedReads) { throw .unavailable("a read failed") }
        let value = try await work()
        await self.travel()
        return value
    }

    func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        let trouble = self.trouble
        await self.travel()
        if requests.joined().contains(where: { $0.id.utf8.starts(with: Self.poison) }) {
            throw .refused(ContentRefusal(kind: "a limit", detail: "poison"))
        }
        if self.random.happens(trouble.unavailable) {
            Simulation.current.trace("node \(self.node): an append fails")
            throw .unavailable("no connection")
        }
        try await self.store.lock(requests)
        if self.random.happens(trouble.late) {
            let succeeds = self.random.happens(0.7)
            Simulation.current.trace("node \(self.node): the connection breaks in a commit")
            self.store.commitLate(requests, after: self.random.time(0.01...6), succeeds: succeeds, on: self.server)
            throw .outcomeUnknown("the connection broke")
        }
        let outcomes = try await self.store.commit(requests)
        await self.travel()
        if self.random.happens(trouble.lostAnswer) {
            Simulation.current.trace("node \(self.node): the answer of a commit is lost")
            throw .outcomeUnknown("no answer")
        }
        return outcomes
    }

    func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
        try await self.read { () async throws(TapeFault) in try await self.store.base.extents(of: channels) }
    }

    func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
        try await self.read { () async throws(TapeFault) in
            try await self.store.base.page(of: channel, after: seq, limit: limit)
        }
    }

    func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
        try await self.read { () async throws(TapeFault) in try await self.store.base.latest(of: channels) }
    }

    func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) async throws(TapeFault) -> [ChannelListing] {
        try await self.store.base.channels(withPrefix: prefix, after: name, limit: limit)
    }

    func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        try await self.read { () async throws(TapeFault) in
            try await self.store.base.prune(type: type, acceptedBefore: time, limit: limit)
        }
    }

    func close() async {}
}

/// Revocations and the audit trail over the same connection.
struct SimulatedAccess: RevocationStore, AuditStore {
    let tape: SimulatedTape

    var areRevocationsShared: Bool { self.tape.isShared }

    private func add(_ revocation: Revocation, isLifted: Bool) {
        let changes = self.tape.store.revocations
        let number = (changes.last?.number ?? 0) + 1
        self.tape.store.revocations = changes.filter { $0.revocation.target != revocation.target }
        self.tape.store.revocations.append(
            RevocationChange(number: number, revocation: revocation, isLifted: isLifted)
        )
    }

    func revoke(_ revocations: [Revocation]) async throws(TapeFault) {
        try await self.tape.reach()
        for revocation in revocations { self.add(revocation, isLifted: false) }
    }

    func lift(_ target: Revocation.Target, at time: Timestamp) async throws(TapeFault) -> Bool {
        try await self.tape.reach()
        let wasThere = self.tape.store.revocations.contains { $0.revocation.target == target && !$0.isLifted }
        if wasThere { self.add(Revocation(target, time: time), isLifted: true) }
        return wasThere
    }

    func revocationChanges(after number: Int, limit: Int) async throws(TapeFault) -> [RevocationChange] {
        try await self.tape.reach()
        return Array(self.tape.store.revocations.filter { $0.number > number }.prefix(limit))
    }

    func forgetRevocations(endedBefore time: Timestamp) async throws(TapeFault) {
        try await self.tape.reach()
    }

    func record(_ records: [AuditRecord]) async throws(TapeFault) {
        try await self.tape.reach()
    }

    func auditEntries(_ query: AuditQuery) async throws(TapeFault) -> [AuditEntry] { [] }

    func pruneAudit(before time: Timestamp, limit: Int) async throws(TapeFault) -> Int { 0 }
}
