// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
package import Logging

/// Ingests what external publishers send over the bus, on one node at a time.
///
/// `following` (another node leads) → `leading` (listens and appends) → `lingering` (lost leadership; still gathers,
/// because it may get it back immediately) → `leading` or, after ``Limits/handOver``, `following`.
///
/// Messages that arrive during an append are gathered and then appended together, in one transaction. The next batch
/// starts only after the current one has been committed, so the order of each source is preserved even if a batch is
/// retried. A batch that cannot be committed is kept with its ids and retried until it succeeds. Meanwhile, messages
/// are gathered up to a limit, and then the source is paused.
package actor FanIn {
    /// Limits of the fan-in.
    package struct Limits: Sendable {
        /// Maximum size of a message.
        package var messageBytes = 1 << 20
        /// Maximum size of gathered messages and events, in bytes; beyond it, the source is paused.
        package var gatheredBytes = 8 << 20
        /// Maximum size of one transaction, in bytes of messages and events. A larger message gets its own transaction.
        package var batchBytes = 512 << 10
        /// Maximum number of messages per transaction.
        package var batchMessages = 1_000
        /// Which sources and types each channel may carry.
        package var rules = FanInRules()
        /// Silence after which a source is stale.
        package var staleAfter: Duration = .seconds(30)
        /// Silence after which a source is deleted.
        package var forgetAfter: Duration = .seconds(86_400)
        /// Maximum number of tracked sources. Messages of other sources are accepted as well.
        package var sources = 10_000
        /// After losing leadership, how long a node keeps its gathered messages and gathers more, in case it becomes
        /// leader again: the tape may have been unavailable for a moment, so that no other node could lead either.
        package var handOver: Duration = .seconds(30)
        /// Interval between two writes of marks and dead letters.
        package var keeping: Duration = .seconds(1)
        /// Delay before retrying a failed operation: initial and maximum.
        package var retry: ClosedRange<Duration> = .milliseconds(50) ... .seconds(2)
        /// Maximum number of queued dead letters, and of their payload bytes; beyond either, the oldest are dropped.
        package var deadLetters = 1_000
        package var deadLetterBytes = 8 << 20

        package init() {}
    }

    /// Counters of messages since the start.
    package struct Tally: Sendable, Equatable {
        package var messages = 0
        /// Events committed, including those that were already stored.
        package var events = 0
        /// Messages that are not valid events.
        package var malformed = 0
        /// Messages rejected because an id in them is used for different content.
        package var conflicts = 0
        /// Messages whose content the tape rejected.
        package var unfit = 0
        /// Repeated or late sequence numbers.
        package var duplicates = 0
        /// Messages of strictly ordered sources that arrived too early; they were skipped and requested again.
        package var early = 0
        /// How often a source skipped sequence numbers.
        package var gaps = 0
        /// Sequence numbers that sources skipped.
        package var missing = 0
        /// Dead letters stored on the tape.
        package var deadLetters = 0
        /// Dead letters dropped because the tape was unavailable for too long, or rejected them.
        package var lostDeadLetters = 0
        /// Messages of sources beyond the limit.
        package var untracked = 0
        /// Gathered messages the node had to drop.
        package var abandoned = 0
        /// Failed attempts to append.
        package var retries = 0
        package var isLeading = false
        /// Sources that are currently stale.
        package var stale = 0
        /// Size of the messages that are gathered or being appended, in bytes.
        package var heldBytes = 0
        /// How long the oldest gathered message has been waiting.
        package var lag: Duration = .zero
    }

    package typealias OnGap = @Sendable (SourceGap) -> Void
    package typealias Ask = @Sendable (FanInRequest) -> Void

    private static let name = "fan-in"
    /// Attempts for a message that the tape reports as damaged, before it becomes a dead letter.
    static let damagedAttempts = 3

    let limits: Limits
    let store: any FanInStore
    let publisher: Publisher
    let reader: FanInReader
    let now: @Sendable () -> Timestamp
    let logger: Logger
    let onGap: OnGap
    let ask: Ask
    let onStale: @Sendable ([StaleSource]) -> Void
    let listenRequests: (stream: AsyncStream<Bool>, continuation: AsyncStream<Bool>.Continuation)
    private let source: any FanInSource

    var counted = Tally()
    var table: SourceTable
    var deadLetters: DeadLetterBuffer
    var order = SourceOrder()
    var isLeading = false
    var gathered = Deque<FanInReading>()
    /// Size of the messages that are gathered or being appended.
    var heldBytes = 0
    /// Whether messages are accepted; false until the node leads for the first time.
    var isListening = false
    /// After leadership is lost, how many gathered messages may still be attempted.
    var allowance: Int?
    /// When leadership was lost.
    var lost: Timestamp?
    /// Whether the current batch has failed and is being retried.
    var isBlocked = false
    var waitingForMessages: CheckedContinuation<Void, Never>?
    var waitingForRoom: [CheckedContinuation<Void, Never>] = []
    var nextPoll: Timestamp?
    var nextForgetting: Timestamp?
    var malformedLog = LogThrottle()
    var gapLog = LogThrottle()

    /// - Parameters:
    ///   - onGap: Called when a source has skipped numbers. Called from any thread; must not block.
    ///   - onStale: Called with the stale sources whenever they may have changed.
    ///   - now: The clock for the receive time of messages.
    package init(
        source: any FanInSource,
        store: any FanInStore,
        publisher: Publisher,
        limits: Limits = Limits(),
        logger: Logger,
        onGap: @escaping OnGap = { _ in },
        ask: @escaping Ask = { _ in },
        onStale: @escaping @Sendable ([StaleSource]) -> Void = { _ in },
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.limits = limits
        self.source = source
        self.store = store
        self.publisher = publisher
        self.reader = FanInReader(
            validator: publisher.validator,
            messageBytes: limits.messageBytes,
            rules: limits.rules
        )
        self.now = now
        self.logger = logger
        self.onGap = onGap
        self.ask = ask
        self.onStale = onStale
        self.listenRequests = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.table = SourceTable(limit: limits.sources)
        self.deadLetters = DeadLetterBuffer(limit: limits.deadLetters, byteLimit: limits.deadLetterBytes)
    }

    /// The current counters.
    package var tally: Tally {
        var tally = self.counted
        tally.lostDeadLetters = self.deadLetters.lost
        tally.isLeading = self.isLeading
        tally.stale = self.table.stale.count
        tally.heldBytes = self.heldBytes
        if let oldest = self.gathered.first { tally.lag = max(.zero, self.now().duration(since: oldest.received)) }
        return tally
    }

    /// The known sources, ascending by name, up to a limit.
    package func sources(limit: Int) -> [FanInSourceReport] {
        self.table.reports(limit: limit)
    }

    /// The dead letters, newest first.
    package nonisolated func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter] {
        try await self.store.deadLetters(limit: limit)
    }

    // MARK: - Life

    /// Runs until the task is cancelled: leads when it is this node's turn, and tracks stale sources in any case. On
    /// cancellation, the gathered messages get one more attempt.
    package nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watch() }
            group.addTask { await self.listen() }
            group.addTask { await self.competeForLeadership() }
        }
        await self.abandon()
    }

    private nonisolated func competeForLeadership() async {
        var backoff = Backoff(self.limits.retry)
        while !Task.isCancelled {
            do throws(TapeFault) {
                try await self.store.withLeadership(Self.name) { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice("this node cannot lead the fan-in at the moment", metadata: ["fault": "\(error)"])
            }
            await backoff.wait()
        }
    }

    private nonisolated func lead() async {
        guard let marks = await self.readMarks() else { return }
        await self.begin(marks)
        self.logger.info("leading the fan-in", metadata: ["sources": "\(marks.count)"])
        await withDiscardingTaskGroup { group in
            group.addTask { await self.settleGathered() }
            await self.keepUntilCancelled()
            await self.finish()
        }
        await self.end()
        self.logger.info("no longer leading the fan-in")
    }

    private nonisolated func readMarks() async -> [SourceMark]? {
        var backoff = Backoff(self.limits.retry)
        while !Task.isCancelled {
            do throws(TapeFault) {
                return try await self.store.sourceMarks()
            } catch {
                self.logger.warning("the source marks cannot be read", metadata: ["fault": "\(error)"])
                await backoff.wait()
            }
        }
        return nil
    }

    private func begin(_ marks: [SourceMark]) {
        self.table.learn(marks)
        self.order = SourceOrder()
        self.allowance = nil
        self.isLeading = true
        self.lost = nil
        self.isListening = true
        self.listenRequests.continuation.yield(true)
        self.check(now: self.now())
    }

    private func finish() {
        self.allowance = self.gathered.count
        self.waitingForMessages?.resume()
        self.waitingForMessages = nil
    }

    private func end() async {
        await self.keep()
        self.unblock()
        self.isLeading = false
        self.lost = self.now()
        self.nextPoll = nil
    }

    /// Listens while messages are accepted, until the task is cancelled.
    private nonisolated func listen() async {
        while let shouldListen = await self.nextListenRequest() {
            guard shouldListen else { continue }
            // The node may have begun to lead again before the last listening had ended.
            await self.startListening()
            await withDiscardingTaskGroup { group in
                group.addTask {
                    await self.source.run { await self.receive($0) }
                }
                while await self.nextListenRequest() == true {}
                await self.stopListening()
                group.cancelAll()
            }
        }
    }

    /// Whether messages are accepted from now on; nil if the task is cancelled.
    private nonisolated func nextListenRequest() async -> Bool? {
        var requests = self.listenRequests.stream.makeAsyncIterator()
        return await requests.next()
    }
}
