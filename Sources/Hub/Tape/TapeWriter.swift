// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
import Logging
package import NIOCore

/// The only writer of the tape: collects the requests that arrive while a batch commits, and appends them as the next
/// batch.
///
/// If the tape rejects a batch because of its content, the batch is split in halves until the invalid request is
/// isolated. That request is rejected, the others are committed, and the node remains healthy.
///
/// This is group commit without a timer: a single publisher pays for one commit, many publishers share one. A batch is
/// published after its commit and before the next one begins, so subscribers receive events in log order. Publishers
/// are answered after the commit, never before.
package actor TapeWriter: LoopActor {
    /// Limits for waiting requests and for one transaction.
    package struct Limits: Sendable {
        /// Maximum size of waiting requests, in bytes of events; beyond it, requests are rejected as overloaded.
        package var waitingBytes = 64 << 20
        /// Maximum size of one batch, in bytes of events; a larger request forms a separate batch.
        package var batchBytes = 1 << 20
        /// How long a request may wait for its turn; after that it is rejected as overloaded, and nothing is written.
        package var patience: Duration = .seconds(10)

        package init() {}
    }

    /// Counts of requests and events since the start.
    package struct Tally: Sendable, Equatable {
        package var batches = 0
        /// Events.
        package var accepted = 0
        /// Events.
        package var duplicates = 0
        /// Requests.
        package var conflicts = 0
        /// Requests rejected by the tape because of their content.
        package var unfit = 0
        /// Requests.
        package var failures = 0
        /// Requests rejected because the queue was full or they had waited too long.
        package var refusals = 0
        /// Size of the events currently waiting.
        package var waitingBytes = 0
    }

    package typealias Completion = @Sendable (Result<AppendOutcome, AppendFault>) -> Void

    /// What one caller submits: one or more requests, appended in one transaction.
    struct Submission {
        var requests: [[Event]]
        var cost: Int
        /// The latest time for its turn to come.
        var deadline: NIODeadline
        var settle: Settlement
        /// The step of a source; such a submission forms a separate batch.
        var step: Step?
    }

    /// A step of a source, and the completion for every outcome except failures.
    struct Step {
        var step: SourceStep
        var settle: @Sendable (StepOutcome) -> Void
    }

    typealias Settlement = @Sendable (Result<ArraySlice<AppendOutcome>, AppendFault>) -> Void

    private enum State {
        case idle
        /// ``run()`` waits for a request.
        case waiting(CheckedContinuation<Void, Never>)
        case writing
        /// No more requests are accepted; waiting requests are still written.
        case finishing
    }

    package nonisolated let loop: any EventLoop
    let tape: any Tape
    let sources: any SourceStore
    let fanout: Fanout
    let monitor: TapeMonitor
    private let limits: Limits
    let tracing: Tracing?
    let logger: Logger
    private var state = State.idle
    private var queue = Deque<Submission>()
    /// What is being appended.
    private var underWay: [Submission] = []
    private var queuedBytes = 0
    var counted = Tally()
    /// Metrics of events and commits.
    package internal(set) var figures = WriterFigures()
    private var expiry: Scheduled<Void>?
    var failureLog = LogThrottle()
    var refusalLog = LogThrottle()

    init(
        tape: any Tape,
        sources: any SourceStore,
        fanout: Fanout,
        monitor: TapeMonitor,
        loop: any EventLoop,
        limits: Limits = Limits(),
        tracing: Tracing? = nil,
        logger: Logger
    ) {
        self.tracing = tracing
        self.tape = tape
        self.sources = sources
        self.fanout = fanout
        self.monitor = monitor
        self.loop = loop
        self.limits = limits
        self.logger = logger
    }

    /// Submits one request, from any thread. Requests of one thread are appended in the order of their submission.
    /// - Parameter completion: Called once, on ``loop``, after the events have been committed and published, or the
    ///   request has failed. Must not block; may take a short lock.
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
        self.executeNow { $0.enqueue(requests, nil, settle) }
    }

    /// The asynchronous form of ``submit(_:completion:)``.
    package nonisolated func append(_ events: [Event]) async throws(AppendFault) -> AppendOutcome {
        try await withCheckedContinuation { continuation in
            self.submit(events) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Appends several requests in one transaction, each with its own outcome; in several transactions if the tape
    /// rejects some of them. After a fault, some of them may be committed; appending them again with the same ids is
    /// safe.
    package nonisolated func append(_ requests: [[Event]]) async throws(AppendFault) -> [AppendOutcome] {
        try await withCheckedContinuation { continuation in
            self.submit(requests) { result in continuation.resume(returning: result.map(Array.init)) }
        }.get()
    }

    /// Appends the events of a source together with its step, atomically.
    package nonisolated func append(
        _ events: [Event],
        with step: SourceStep
    ) async throws(AppendFault) -> StepOutcome {
        try await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<StepOutcome, AppendFault>, Never>) in
            self.execute { writer in
                let step = Step(step: step) { continuation.resume(returning: .success($0)) }
                writer.enqueue([events], step) { result in
                    // Success is reported through the step.
                    if case .failure(let fault) = result { continuation.resume(returning: .failure(fault)) }
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
        self.queue.append(Submission(requests: requests, cost: cost, deadline: deadline, settle: settle, step: step))
        self.queuedBytes += cost
        self.scheduleExpiry()
        if case .waiting(let continuation) = self.state {
            self.state = .writing
            continuation.resume()
        }
    }

    /// Uses one timer, for the oldest waiting submission.
    private func scheduleExpiry() {
        guard self.expiry == nil, let oldest = self.queue.first else { return }
        self.expiry = self.loop.scheduleTask(deadline: oldest.deadline) {
            self.assumeIsolated { $0.expire() }
        }
    }

    /// Rejects submissions that have waited too long while an earlier append is still in progress.
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

    /// The channels of the events being appended; empty once they have been published.
    var channelsUnderWay: Set<ChannelName> {
        Set(self.underWay.lazy.flatMap(\.requests).joined().lazy.flatMap(\.channels))
    }

    /// The current counts.
    package var tally: Tally {
        var tally = self.counted
        tally.waitingBytes = self.queuedBytes
        return tally
    }

    /// Accepts no more requests; ``run()`` returns once the waiting requests are complete.
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
            self.underWay = self.nextBatch()
            await self.write(self.underWay)
            self.underWay = []
            // The fan-out of a few batches may overlap the commit of the next, but no more: publishers are slowed down
            // to the speed at which the loops deliver.
            await self.fanout.waitForRoom()
        }
    }

    private func nextBatch() -> [Submission] {
        var batch: [Submission] = []
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
}

/// Why events were not appended.
package enum AppendFault: Error, Sendable, Equatable {
    case unavailable(TapeFault)
    /// Too many events are waiting to be committed.
    case overloaded
    /// The hub is shutting down.
    case stopping
}
