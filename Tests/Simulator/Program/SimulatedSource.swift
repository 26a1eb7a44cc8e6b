// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

/// A publisher outside of the cluster that numbers its messages, sends them to the node that listens, and repeats on
/// request.
/// What it sends is in the log once and in order, whichever node leads the fan-in.
final class SimulatedSource: @unchecked Sendable {
    static let log = "feed:source"
    private static let channel = "source.a"
    /// Messages repeated at once.
    private static let burst = 20

    private struct Listener {
        let node: Node
        let queue: WorkQueue
        let inbox: AsyncStream<FanInMessage>.Continuation
        var lastArrival: Int64 = 0
    }

    private let cluster: Cluster
    private var random: SeededRandom
    private var listeners: [Int: Listener] = [:]
    private var listenerCount = 0
    private var sent = 0
    /// How many messages have to arrive; nil while it has not been decided.
    private var target: Int?

    init(cluster: Cluster, random: SeededRandom) {
        self.cluster = cluster
        self.random = random
    }

    /// Sends from now on, and after the end until everything has arrived: only a later message shows that one is lost.
    func start() {
        guard self.lack != nil else { return }
        self.sent += 1
        self.send(self.sent)
        Simulation.current.after(self.random.time(0.05...0.4)) { self.start() }
    }

    /// From now on nothing has to be sent that is new.
    func end() {
        self.target = self.sent
    }

    /// What has not arrived; nil for nothing.
    var lack: String? {
        let head = self.cluster.commitLog.head(of: Self.log)
        guard let target else { return "the source has not ended" }
        return head < target ? "\(head) of \(target) messages of the source are in the log" : nil
    }

    private func send(_ number: Int) {
        for key in self.listeners.keys.sorted() { self.send(number, to: key) }
    }

    private func send(_ number: Int, to key: Int) {
        guard let listener = self.listeners[key], !listener.queue.isStopped else { return self.listeners[key] = nil }
        let trouble = listener.node.busTrouble
        guard !trouble.isCut, !self.random.happens(max(trouble.lost, 0.02)) else { return }
        let travel = self.random.time(trouble.delay).nanoseconds
        let arrival = max(Simulation.current.now + travel, listener.lastArrival + 1)
        self.listeners[key]?.lastArrival = arrival
        let payload = """
            {"type":"feed","key":"source","sourceSeq":\(number),"sourceOrder":"strict","data":{"n":\(number)}}
            """
        let message = FanInMessage(channel: Self.channel, payload: Array(payload.utf8))
        Simulation.current.at(arrival, on: listener.queue) { listener.inbox.yield(message) }
    }

    /// A node asks for the messages after a number.
    fileprivate func repeatMessages(after number: Int) {
        guard number < self.sent else { return }
        Simulation.current.after(self.random.time(0.001...0.02)) {
            for number in number + 1...min(self.sent, number + Self.burst) { self.send(number) }
        }
    }

    /// What a node needs to listen.
    func ports(for node: Node, queue: WorkQueue, tape: SimulatedTape) -> FanInPorts {
        FanInPorts(
            source: NodeListener(source: self, node: node, queue: queue),
            store: SimulatedFanInStore(tape: tape, queue: queue),
            ask: { request in self.repeatMessages(after: request.after) }
        )
    }

    private struct NodeListener: FanInSource {
        let source: SimulatedSource
        let node: Node
        let queue: WorkQueue

        func run(_ receive: @Sendable (FanInMessage) async -> Void) async {
            let (messages, inbox) = AsyncStream.makeStream(of: FanInMessage.self)
            self.source.listenerCount += 1
            let key = self.source.listenerCount
            self.source.listeners[key] = Listener(node: self.node, queue: self.queue, inbox: inbox)
            for await message in messages { await receive(message) }
            self.source.listeners[key] = nil
        }
    }
}

/// Who leads, as the database sees it. A leader that lost its lock learns so later.
final class Leadership: @unchecked Sendable {
    final class Lock: @unchecked Sendable {
        let queue: WorkQueue

        init(_ queue: WorkQueue) {
            self.queue = queue
        }
    }

    private(set) var lock: Lock?

    func take(for queue: WorkQueue) -> Lock? {
        guard self.lock == nil else { return nil }
        let lock = Lock(queue)
        self.lock = lock
        return lock
    }

    func release(_ lock: Lock) {
        if self.lock === lock { self.lock = nil }
    }

    /// The database ends the leader's connection.
    func loseLock() {
        guard let lock else { return }
        Simulation.current.trace("\(lock.queue.name) loses its lock")
        self.lock = nil
    }

    /// The database notices that a node is gone.
    func release(of queue: WorkQueue?) {
        if let lock, lock.queue === queue { self.loseLock() }
    }
}

/// The fan-in's state over a node's connection to the store.
private struct SimulatedFanInStore: FanInStore {
    let tape: SimulatedTape
    let queue: WorkQueue

    private var base: MemoryTape { self.tape.store.base }

    func withLeadership(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        let leadership = self.tape.store.leadership
        var taken: Leadership.Lock?
        while taken == nil {
            try await self.tape.reach()
            guard !Task.isCancelled else { return }
            taken = leadership.take(for: self.queue)
            if taken == nil { try? await Task.sleep(for: .milliseconds(100)) }
        }
        guard let lock = taken else { return }
        Simulation.current.trace("\(self.queue.name) leads the fan-in")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await work() }
            group.addTask {
                while leadership.lock === lock, (try? await Task.sleep(for: .milliseconds(150))) != nil {}
            }
            await group.next()
            group.cancelAll()
        }
        let wasHeld = leadership.lock === lock
        leadership.release(lock)
        if !wasHeld { throw .unavailable("the lock is lost") }
    }

    func setAside(_ deadLetters: [DeadLetter]) async throws(TapeFault) {
        try await self.tape.reach()
        for letter in deadLetters {
            Simulation.current.fail("a message of the source cannot become an event: \(letter.reason)")
        }
    }

    func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter] { [] }

    func sourceMarks() async throws(TapeFault) -> [SourceMark] {
        try await self.tape.reach()
        return try await self.base.sourceMarks()
    }

    func note(_ marks: [SourceMark]) async throws(TapeFault) {
        try await self.tape.reach()
        try await self.base.note(marks)
    }

    func forgetSources(heardBefore time: Timestamp) async throws(TapeFault) {
        try await self.base.forgetSources(heardBefore: time)
    }
}
