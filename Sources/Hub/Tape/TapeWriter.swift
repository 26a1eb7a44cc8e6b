// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
import Logging
package import NIOCore

/// The one way onto the tape: gathers what arrives while a batch commits and appends it as the next batch.
///
/// A batch that the tape refuses for what is in it is appended in halves, until the request at fault is alone: it is
/// refused, the others are committed, and the node is as well as before.
///
/// Group commit without a timer: a lone publisher pays one commit, many share one. A batch is published after its
/// commit and before the next begins, so subscribers receive events in the order of the log. Publishers are answered
/// after the commit, never before.
package actor TapeWriter: LoopActor {
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
        /// Requests refused by the tape for what is in them.
        package var unfit = 0
        /// Requests.
        package var failures = 0
        /// Requests refused for lack of room, or because they had waited for too long.
        package var refusals = 0
        /// Bytes of events that wait now.
        package var waitingBytes = 0
    }

    package typealias Completion = @Sendable (Result<AppendOutcome, AppendFault>) -> Void

    /// What one publisher handed in: one or more requests that share the fate of one transaction.
    struct Order {
        var requests: [[Event]]
        var cost: Int
        /// When its turn has to have come.
        var deadline: NIODeadline
        var settle: Settlement
        /// Of a source; such an order is a batch of its own.
        var step: Step?
    }

    /// A step of a source, and who gets its outcome when it is not a plain failure.
    struct Step {
        var step: SourceStep
        var store: any SourceStore
        var settle: @Sendable (StepOutcome) -> Void
    }

    typealias Settlement = @Sendable (Result<ArraySlice<AppendOutcome>, AppendFault>) -> Void

    private enum State {
        case idle
        /// ``run()`` waits for a request.
        case waiting(CheckedContinuation<Void, Never>)
        case writing
        /// No more requests are taken; what waits is still written.
        case finishing
    }

    package nonisolated let loop: any EventLoop
    let tape: any Tape
    let fanout: Fanout
    let watch: TapeMonitor
    private let limits: Limits
    let tracing: Tracing?
    let logger: Logger
    private var state = State.idle
    private var queue = Deque<Order>()
    /// What is being appended.
    private var underWay: [Order] = []
    private var queuedBytes = 0
    var counted = Tally()
    /// What has become of events, and how long it took.
    package internal(set) var figures = WriterFigures()
    private var expiry: Scheduled<Void>?
    var failureLog = LogThrottle()
    var refusalLog = LogThrottle()

    init(
        tape: any Tape,
        fanout: Fanout,
        watch: TapeMonitor,
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
        self.executeNow { $0.enqueue(requests, nil, settle) }
    }

    /// ``submit(_:completion:)`` for those who can wait.
    package nonisolated func append(_ events: [Event]) async throws(AppendFault) -> AppendOutcome {
        try await withCheckedContinuation { continuation in
            self.submit(events) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Appends several requests in one transaction, each with its own outcome; in more than one where the tape refuses
    /// some of them. After a fault some of them may be committed: appending them again under the same ids settles it.
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
            self.execute { writer in
                let step = Step(step: step, store: store) { continuation.resume(returning: .success($0)) }
                writer.enqueue([events], step) { result in
                    // Reported through the step unless it failed.
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

    /// The channels of the events that are being appended; none once they have been published.
    var channelsUnderWay: Set<ChannelName> {
        Set(self.underWay.lazy.flatMap(\.requests).joined().lazy.flatMap(\.channels))
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
            self.underWay = self.nextBatch()
            await self.write(self.underWay)
            self.underWay = []
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
}
