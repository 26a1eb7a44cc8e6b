// SPDX-License-Identifier: Apache-2.0

import Dispatch
import NIOCore
@_spi(ExperimentalScheduling) import _Concurrency

/// An event loop whose work and timers the ``Simulation`` runs.
final class SimulatedLoop: EventLoop, NIOSerialEventLoopExecutor, @unchecked Sendable {
    let queue: WorkQueue

    init(_ name: String, skew: Duration) {
        self.queue = WorkQueue(name, skew: skew, isOrdered: true)
    }

    var inEventLoop: Bool { Simulation.current.isRunning(self.queue) }

    func execute(_ task: @escaping @Sendable () -> Void) {
        self.queue.add(task)
    }

    func scheduleTask<Value>(
        deadline: NIODeadline,
        _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        let promise = self.makePromise(of: Value.self)
        let timer = Simulation.current.at(Int64(deadline.uptimeNanoseconds), on: self.queue) {
            do {
                promise.assumeIsolated().succeed(try task())
            } catch {
                promise.fail(error)
            }
        }
        return Scheduled(promise: promise) { timer.cancel() }
    }

    func scheduleTask<Value>(
        in delay: TimeAmount,
        _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        self.scheduleTask(deadline: .now() + delay, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        callback(nil)
    }
}

/// The default pool of threads of a node: its tasks prefer this executor, and their sleep is virtual.
final class Pool: TaskExecutor, SchedulingExecutor, @unchecked Sendable {
    let queue: WorkQueue
    private let loops: [SimulatedLoop]

    init(_ name: String, skew: Duration, loops: [SimulatedLoop]) {
        self.queue = WorkQueue(name, skew: skew, isOrdered: false)
        self.loops = loops
        Simulation.current.add(self)
    }

    /// Whether a queue belongs to the same node.
    func owns(_ queue: WorkQueue?) -> Bool {
        queue === self.queue || self.loops.contains { $0.queue === queue }
    }

    func add(_ job: UnownedJob) {
        self.queue.add { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        self.add(UnownedJob(job))
    }

    var asSchedulingExecutor: (any SchedulingExecutor)? { self }

    func enqueue<Time: Clock>(
        _ job: consuming ExecutorJob,
        after delay: Time.Duration,
        tolerance: Time.Duration?,
        clock: Time
    ) {
        let job = UnownedJob(job)
        let delay = delay as? Duration ?? .zero
        Simulation.current.after(delay, on: self.queue) {
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }

    func enqueue<Time: Clock>(
        _ job: consuming ExecutorJob,
        at instant: Time.Instant,
        tolerance: Time.Duration?,
        clock: Time
    ) {
        self.enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }
}
