// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Logging
package import NIOCore

/// The one way onto the tape: gathers what arrives while a batch commits and appends it as the next batch.
///
/// Group commit without a timer: a lone publisher pays one commit, many share one. A batch is published after its
/// commit and before the next begins, so subscribers hear of events in the order of the log. Publishers are answered
/// after the commit, never before.
package actor TapeWriter {
    /// Bounds on what waits and on what one transaction takes.
    package struct Limits: Sendable {
        /// Waiting requests, in bytes of events; past it requests are refused as overloaded.
        package var waitingBytes = 64 << 20
        /// One batch, in bytes of events; a larger request is a batch of its own.
        package var batchBytes = 1 << 20
        /// How long a request waits for its turn; after that it is refused as overloaded, and nothing of it was begun.
        package var patience: Duration = .seconds(10)

        package init() {}
    }

    /// What has become of requests since the start.
    package struct Tally: Sendable, Equatable {
        package var batches = 0
        /// Events.
        package var accepted = 0
        /// Events.
        package var duplicates = 0
        /// Requests.
        package var conflicts = 0
        /// Requests.
        package var failures = 0
        /// Requests refused for lack of room, or because they had waited for too long.
        package var refusals = 0
        /// Bytes of events that wait now.
        package var waitingBytes = 0
    }

    package typealias Completion = @Sendable (Result<AppendOutcome, AppendFault>) -> Void

    /// What one publisher handed in: one or more requests that share the fate of one transaction.
    private struct Order {
        var requests: [[Event]]
        var cost: Int
        /// When its turn has to have come.
        var deadline: NIODeadline
        var settle: Settlement
        /// Of a source; such an order is a batch of its own.
        var step: Step?
    }

    /// A step of a source, and who is told when it is not a plain failure.
    private struct Step {
        var step: SourceStep
        var store: any SourceStore
        var settle: @Sendable (StepOutcome) -> Void
    }

    private typealias Settlement = @Sendable (Result<ArraySlice<AppendOutcome>, AppendFault>) -> Void

    private enum State {
        case idle
        /// ``run()`` waits for a request.
        case waiting(CheckedContinuation<Void, Never>)
        case writing
        /// No more requests are taken; what waits is still written.
        case finishing
    }

    package nonisolated let loop: any EventLoop
    private let tape: any Tape
    private let fanout: Fanout
    private let watch: TapeWatch
    private let limits: Limits
    private let tracing: Tracing?
    private let logger: Logger
    private var state = State.idle
    private var queue = Deque<Order>()
    private var queuedBytes = 0
    private var counted = Tally()
    /// What has become of events, and how long it took.
    package private(set) var figures = WriterFigures()
    private var expiry: Scheduled<Void>?
    private var failureLog = SparseLog()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.loop.executor.asUnownedSerialExecutor()
    }

    init(
        tape: any Tape,
        fanout: Fanout,
        watch: TapeWatch,
        loop: any EventLoop,
        limits: Limits = Limits(),
        tracing: Tracing? = nil,
        logger: Logger
    ) {
        self.tracing = tracing
        self.tape = tape
        self.fanout = fanout
        self.watch = watch
        self.loop = loop
        self.limits = limits
        self.logger = logger
    }

    /// Hands in one request, from any thread. Requests of one thread are appended in the order they were handed in.
    /// - Parameter completion: Called once, on ``loop``, when the events are committed and have been published, or
    ///   nothing of them was.
    package nonisolated func submit(_ events: [Event], completion: @escaping Completion) {
        self.submit([events]) { result in
            switch result {
            case .success(let outcomes):
                if let outcome = outcomes.first { completion(.success(outcome)) }
            case .failure(let fault):
                completion(.failure(fault))
            }
        }
    }

    private nonisolated func submit(_ requests: [[Event]], _ settle: @escaping Settlement) {
        if self.loop.inEventLoop {
            self.assumeIsolated { $0.enqueue(requests, nil, settle) }
        } else {
            self.loop.execute {
                self.assumeIsolated { $0.enqueue(requests, nil, settle) }
            }
        }
    }

    /// ``submit(_:completion:)`` for those who can wait.
    package nonisolated func append(_ events: [Event]) async throws(AppendFault) -> AppendOutcome {
        try await withCheckedContinuation { continuation in
            self.submit(events) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Appends several requests in one transaction: all are committed, each with its own outcome, or none is.
    package nonisolated func append(_ requests: [[Event]]) async throws(AppendFault) -> [AppendOutcome] {
        try await withCheckedContinuation { continuation in
            self.submit(requests) { result in continuation.resume(returning: result.map(Array.init)) }
        }.get()
    }

    /// Appends the events of a source together with its step: both are committed, or neither is.
    package nonisolated func append(
        _ events: [Event],
        with step: SourceStep
    ) async throws(AppendFault) -> StepOutcome {
        guard let store = self.tape as? any SourceStore else {
            throw .unavailable(.damaged("this tape keeps nothing for sources"))
        }
        return try await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<StepOutcome, AppendFault>, Never>) in
            self.loop.execute {
                self.assumeIsolated { writer in
                    let step = Step(step: step, store: store) { continuation.resume(returning: .success($0)) }
                    writer.enqueue([events], step) { result in
                        // Told through the step unless it failed.
                        if case .failure(let fault) = result { continuation.resume(returning: .failure(fault)) }
                    }
                }
            }
        }.get()
    }

    private func enqueue(_ requests: [[Event]], _ step: Step?, _ settle: @escaping Settlement) {
        let cost = requests.joined().reduce(0) { $0 + $1.data.count + 256 }
        switch self.state {
        case .finishing:
            return settle(.failure(.stopping))
        case .idle, .waiting, .writing:
            guard self.queue.isEmpty || self.queuedBytes + cost <= self.limits.waitingBytes else {
                self.counted.refusals += 1
                return settle(.failure(.overloaded))
            }
        }
        let deadline = NIODeadline.now() + TimeAmount(self.limits.patience)
        self.queue.append(Order(requests: requests, cost: cost, deadline: deadline, settle: settle, step: step))
        self.queuedBytes += cost
        self.scheduleExpiry()
        if case .waiting(let continuation) = self.state {
            self.state = .writing
            continuation.resume()
        }
    }

    /// One timer for the oldest order that waits, not one for each.
    private func scheduleExpiry() {
        guard self.expiry == nil, let oldest = self.queue.first else { return }
        self.expiry = self.loop.scheduleTask(deadline: oldest.deadline) {
            self.assumeIsolated { $0.expire() }
        }
    }

    /// Refuses what has waited for too long, although the append before it is still under way.
    private func expire() {
        self.expiry = nil
        let now = NIODeadline.now()
        while let oldest = self.queue.first, oldest.deadline <= now {
            self.queue.removeFirst()
            self.queuedBytes -= oldest.cost
            self.counted.refusals += 1
            oldest.settle(.failure(.overloaded))
        }
        self.scheduleExpiry()
    }

    /// The present tally.
    package var tally: Tally {
        var tally = self.counted
        tally.waitingBytes = self.queuedBytes
        return tally
    }

    /// Takes no more requests; ``run()`` returns once those that wait are settled.
    package func finish() {
        if case .waiting(let continuation) = self.state {
            continuation.resume()
        }
        self.state = .finishing
    }

    /// Writes until ``finish()``.
    package func run() async {
        defer { self.expiry?.cancel() }
        while true {
            guard !self.queue.isEmpty else {
                if case .finishing = self.state { return }
                await withCheckedContinuation { self.state = .waiting($0) }
                continue
            }
            await self.write(self.nextBatch())
            // The fan-out of one batch may overlap the commit of the next, not more: publishers are slowed to what
            // the loops can tell.
            await self.fanout.waitForRoom()
        }
    }

    private func nextBatch() -> [Order] {
        var batch: [Order] = []
        var bytes = 0
        while let next = self.queue.first, batch.isEmpty || bytes + next.cost <= self.limits.batchBytes {
            if next.step != nil, !batch.isEmpty { break }
            bytes += next.cost
            batch.append(next)
            self.queue.removeFirst()
            if next.step != nil { break }
        }
        self.queuedBytes -= bytes
        return batch
    }

    private func write(_ batch: [Order]) async {
        let requests = batch.flatMap(\.requests)
        let outcomes: [AppendOutcome]
        let start = NIODeadline.now()
        let begin = Timestamp.now
        do throws(TapeFault) {
            if let step = batch.first?.step {
                return self.settle(
                    try await step.store.append(requests[0], with: step.step),
                    of: step,
                    requests[0],
                    since: start
                )
            }
            outcomes = try await self.tape.append(requests)
        } catch {
            self.counted.failures += requests.count
            self.figures.failed(requests)
            self.trace(requests, from: begin, failed: true)
            if let failures = self.failureLog.happened(at: .now) {
                self.logger.error("appends failed", metadata: ["fault": "\(error)", "batches": "\(failures)"])
            }
            if case .outcomeUnknown = error { self.watch.doubt(requests.joined().lazy.flatMap(\.channels)) }
            self.watch.commitFailed(error)
            for order in batch {
                order.settle(.failure(.unavailable(error)))
            }
            return
        }
        self.count(outcomes)
        let end = NIODeadline.now()
        self.figures.committed(requests, outcomes, took: end - start, now: .now)
        // What stood already says nothing about whether more can be committed.
        if outcomes.contains(where: \.hasNews) { self.watch.committed() }
        self.trace(requests, from: begin, failed: false)
        self.fanout.publish(self.commits(of: requests, outcomes), time: end)
        var rest = outcomes[...]
        for order in batch {
            order.settle(.success(rest.prefix(order.requests.count)))
            rest = rest.dropFirst(order.requests.count)
        }
    }

    private func trace(_ requests: [[Event]], from start: Timestamp, failed: Bool) {
        guard let tracing else { return }
        let contexts = Set(requests.joined().lazy.compactMap(\.trace))
        guard !contexts.isEmpty else { return }
        let events = requests.reduce(0) { $0 + $1.count }
        tracing.committed(contexts, events: events, from: start, to: .now, failed: failed)
    }

    private func settle(_ outcome: StepOutcome, of step: Step, _ events: [Event], since start: NIODeadline) {
        let end = NIODeadline.now()
        switch outcome {
        case .committed(let receipts):
            self.watch.committed()
            self.count([.committed(receipts)])
            self.figures.committed([events], [.committed(receipts)], took: end - start, now: .now)
            self.fanout.publish(self.commits(of: [events], [.committed(receipts)]), time: end)
        case .conflict(let items):
            self.count([.conflict(items: items)])
        case .moved:
            break
        }
        step.settle(outcome)
    }

    private func count(_ outcomes: [AppendOutcome]) {
        self.counted.batches += 1
        for outcome in outcomes {
            switch outcome {
            case .conflict:
                self.counted.conflicts += 1
            case .committed(let receipts):
                let accepted = receipts.count { $0.status == .accepted }
                self.counted.accepted += accepted
                self.counted.duplicates += receipts.count - accepted
            }
        }
    }

    /// What subscribers are to be told: the accepted events, and duplicates that nobody has told of yet because the
    /// outcome of their first append was not known.
    private func commits(of requests: [[Event]], _ outcomes: [AppendOutcome]) -> [Commit] {
        var commits: [Commit] = []
        var places: [ChannelName: Int] = [:]
        commits.reserveCapacity(requests.count)
        places.reserveCapacity(requests.count)
        for (events, outcome) in zip(requests, outcomes) {
            guard case .committed(let receipts) = outcome else { continue }
            for (event, receipt) in zip(events, receipts) {
                for position in receipt.positions where receipt.status == .accepted || self.fanout.isNews(position) {
                    let entry = TapeEntry(seq: position.seq, event: event)
                    if let place = places[position.channel], commits[place].isFollowed(by: entry) {
                        commits[place].entries.append(entry)
                    } else {
                        places[position.channel] = commits.count
                        commits.append(Commit(channel: position.channel, entries: [entry]))
                    }
                }
            }
        }
        return commits
    }
}
