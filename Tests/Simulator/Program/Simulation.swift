// SPDX-License-Identifier: Apache-2.0

import DequeModule
import HeapModule
import NIOCore
import SimulatorRuntime

/// Work of one kind that waits for its turn: that of an event loop, or of a node's pool of threads.
///
/// `@unchecked Sendable`: a simulated process has one thread, here and in all other types of the simulator.
final class WorkQueue: @unchecked Sendable {
    let name: String
    /// By how much the wall clock of its node is ahead.
    let skew: Duration
    /// An event loop works in order, a pool of threads does not.
    private let isOrdered: Bool
    private var work = Deque<() -> Void>()
    /// Its node has crashed: nothing runs any more, and nothing is released.
    private(set) var isStopped = false
    /// Its node is frozen.
    var isFrozen = false { didSet { self.updateReadiness() } }
    fileprivate var isReady = false

    init(_ name: String, skew: Duration = .zero, isOrdered: Bool) {
        self.name = name
        self.skew = skew
        self.isOrdered = isOrdered
    }

    func add(_ work: @escaping () -> Void) {
        self.work.append(work)
        self.updateReadiness()
    }

    func stop() {
        self.isStopped = true
        Simulation.current.keep(self)
        self.updateReadiness()
    }

    private func updateReadiness() {
        let isReady = !self.isStopped && !self.isFrozen && !self.work.isEmpty
        guard isReady != self.isReady else { return }
        self.isReady = isReady
        if isReady { Simulation.current.ready(self) } else { Simulation.current.unready(self) }
    }

    fileprivate func runNext(_ random: inout SeededRandom) {
        let index = self.isOrdered || random.happens(0.5) ? 0 : random.number(0..<self.work.count)
        let work = self.work.remove(at: index)
        self.updateReadiness()
        work()
    }
}

/// Something that happens at a time.
final class Timer: Comparable, @unchecked Sendable {
    let time: Int64
    fileprivate let number: Int
    fileprivate let queue: WorkQueue?
    fileprivate let work: () -> Void
    private(set) var isCancelled = false

    fileprivate init(_ time: Int64, _ number: Int, _ queue: WorkQueue?, _ work: @escaping () -> Void) {
        self.time = time
        self.number = number
        self.queue = queue
        self.work = work
    }

    func cancel() {
        self.isCancelled = true
    }

    static func == (left: Timer, right: Timer) -> Bool { left === right }

    static func < (left: Timer, right: Timer) -> Bool {
        (left.time, left.number) < (right.time, right.number)
    }
}

/// The scheduler of the process: virtual time, and everything that waits for it or for its turn. One seed decides the
/// order.
final class Simulation: @unchecked Sendable {
    static let current = Simulation()

    /// Nanoseconds.
    private(set) var now: Int64 = 1_000_000_000_000
    private(set) var steps = 0
    /// Of all decisions of the scheduler, to compare runs.
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    /// The first broken promise.
    private(set) var violation: String?
    /// Whether to record the timeline.
    var isVerbose = false
    private(set) var timeline: [String] = []
    private var random = SeededRandom(seed: 0)
    private var timers = Heap<Timer>()
    private var timerCount = 0
    private var queues: [WorkQueue] = []
    private var stopped: [WorkQueue] = []
    private var running: WorkQueue?
    private var pools: [Pool] = []

    private init() {}

    func start(seed: UInt64) {
        self.random = SeededRandom(seed: seed)
        unsafe simulation_start(seed) { job in
            guard let job = unsafe job else { return }
            Simulation.current.enqueue(unsafe unsafeBitCast(job, to: UnownedJob.self))
        }
        self.setClock()
    }

    /// Seconds since the start.
    var elapsed: Double { Double(self.now - 1_000_000_000_000) / 1e9 }

    /// The queue that is at work.
    func isRunning(_ queue: WorkQueue) -> Bool { self.running === queue }

    // MARK: - Work

    /// A job for the default executor belongs to the node that is at work.
    private func enqueue(_ job: UnownedJob) {
        guard let pool = self.pools.first(where: { $0.owns(self.running) }) else {
            return self.fail("a job belongs to no node")
        }
        pool.add(job)
    }

    func add(_ pool: Pool) { self.pools.append(pool) }

    fileprivate func keep(_ queue: WorkQueue) { self.stopped.append(queue) }

    fileprivate func ready(_ queue: WorkQueue) { self.queues.append(queue) }

    fileprivate func unready(_ queue: WorkQueue) { self.queues.removeAll { $0 === queue } }

    /// - Parameter queue: Nil for what happens outside of all nodes.
    @discardableResult
    func after(_ delay: Duration, on queue: WorkQueue? = nil, _ work: @escaping () -> Void) -> Timer {
        self.at(self.now + max(0, delay.nanoseconds), on: queue, work)
    }

    @discardableResult
    func at(_ time: Int64, on queue: WorkQueue? = nil, _ work: @escaping () -> Void) -> Timer {
        self.timerCount += 1
        let timer = Timer(time, self.timerCount, queue, work)
        self.timers.insert(timer)
        return timer
    }

    /// Runs until a condition holds, a promise is broken, or the time is over.
    /// - Returns: Whether the condition holds.
    func run(for limit: Duration, until isOver: () -> Bool = { false }) -> Bool {
        let end = self.now + limit.nanoseconds
        while self.violation == nil {
            if isOver() { return true }
            guard self.now < end, self.step(before: end) else { return false }
        }
        return false
    }

    private func step(before end: Int64) -> Bool {
        self.steps += 1
        self.fireTimers()
        guard self.violation == nil else { return true }
        guard !self.queues.isEmpty else {
            guard let next = self.timers.min else { return false }
            self.now = min(end, max(self.now, next.time))
            return true
        }
        self.now += Int64(self.random.number(0..<20_000))
        let index = self.random.number(0..<self.queues.count)
        let queue = self.queues[index]
        self.digest = (self.digest ^ UInt64(truncatingIfNeeded: self.now) ^ UInt64(index) << 56) &* 0x100_0000_01b3
        self.run(queue) { queue.runNext(&self.random) }
        return true
    }

    private func run(_ queue: WorkQueue, _ work: () -> Void) {
        self.running = queue
        self.setClock()
        work()
        self.running = nil
        self.setClock()
    }

    private func fireTimers() {
        while let timer = self.timers.min, timer.time <= self.now, self.violation == nil {
            _ = self.timers.popMin()
            guard !timer.isCancelled else { continue }
            guard let queue = timer.queue else {
                self.setClock()
                timer.work()
                continue
            }
            queue.add(timer.work)
        }
    }

    private func setClock() {
        simulation_set_clock(self.now, self.running?.skew.nanoseconds ?? 0)
    }

    // MARK: - Timeline

    func trace(_ line: @autoclosure () -> String) {
        guard self.isVerbose else { return }
        self.timeline.append(self.line(line()))
    }

    /// A promise is broken; the run ends.
    func fail(_ what: String) {
        guard self.violation == nil else { return }
        self.violation = what
        self.timeline.append(self.line("VIOLATION: " + what))
    }

    private func line(_ text: String) -> String {
        let milliseconds = Int(self.elapsed * 1_000)
        let digits = String(milliseconds)
        return String(repeating: " ", count: max(0, 6 - digits.count)) + digits + " ms  " + text
    }
}

extension Duration {
    var nanoseconds: Int64 { Int64(self / .nanoseconds(1)) }
}
