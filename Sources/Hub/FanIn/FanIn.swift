// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
package import Logging

/// Takes in what outside publishers send over the bus, on one node at a time.
///
/// `standing by` (another node leads) → `leading` (listens and appends) → `lingering` (lost its turn; still gathers, as
/// it may be given back at once) → `leading` or, after ``Limits/handOver``, `standing by`.
///
/// Messages are gathered while an append is under way and then appended together, in one transaction; nothing is
/// appended behind a batch that has not been settled, so the order of each source is kept, also when a batch has to be
/// tried again. A batch that cannot be committed is kept with its ids and tried until it can be; meanwhile messages are
/// gathered up to a limit and then the source is held back.
package actor FanIn {
    /// Bounds of the fan-in.
    package struct Limits: Sendable {
        /// Largest message.
        package var messageBytes = 1 << 20
        /// Gathered before the source is held back, in bytes of messages and events.
        package var gatheredBytes = 8 << 20
        /// Appended in one transaction, in bytes of messages and events; a larger message is a transaction of its own.
        package var batchBytes = 512 << 10
        /// Messages appended in one transaction.
        package var batchMessages = 1_000
        /// What may come this way.
        package var rules = FanInRules()
        /// Silence after which a source counts as stale.
        package var staleAfter: Duration = .seconds(30)
        /// Silence after which a source is forgotten.
        package var forgetAfter: Duration = .seconds(86_400)
        /// Sources that are followed; the messages of others are taken in all the same.
        package var sources = 10_000
        /// After its turn was lost, how long a node keeps what it has in hand and gathers more, in case the turn comes
        /// back: the tape was away for a moment and nobody else could lead either.
        package var handOver: Duration = .seconds(30)
        /// Between two rounds of noting marks and setting letters aside.
        package var keeping: Duration = .seconds(1)
        /// Between two attempts at what failed: at first and at most.
        package var retry: ClosedRange<Duration> = .milliseconds(50) ... .seconds(2)
        /// Letters that wait for the tape, and their payloads in bytes; past either the oldest are lost.
        package var letters = 1_000
        package var letterBytes = 8 << 20

        package init() {}
    }

    /// What has become of messages since the start.
    package struct Tally: Sendable, Equatable {
        package var messages = 0
        /// Events committed, or found to stand already.
        package var events = 0
        /// Messages that are not events.
        package var malformed = 0
        /// Messages refused because an id in them is taken by other content.
        package var conflicts = 0
        /// Messages refused by the tape for what is in them.
        package var unfit = 0
        /// Numbers that came again or too late.
        package var duplicates = 0
        /// Messages of strictly ordered sources that came too early; they were left and asked for again.
        package var early = 0
        /// Times that a source left numbers out.
        package var gaps = 0
        /// Numbers that sources left out.
        package var missing = 0
        /// Letters that stand on the tape.
        package var letters = 0
        /// Letters lost because the tape was away for too long, or would not take them.
        package var lostLetters = 0
        /// Messages of sources beyond the limit.
        package var untracked = 0
        /// Messages that were in hand when the node had to let go of them.
        package var abandoned = 0
        /// Attempts to append that failed.
        package var retries = 0
        package var isLeading = false
        /// Sources that are stale now.
        package var stale = 0
        /// Of what is gathered and being appended, in bytes.
        package var heldBytes = 0
        /// How long the oldest message that is gathered has waited.
        package var lag: Duration = .zero
    }

    package typealias OnGap = @Sendable (SourceGap) -> Void
    package typealias Ask = @Sendable (FanInRequest) -> Void

    private static let name = "fan-in"
    /// Attempts at a message that the tape says it can never take.
    static let damagedAttempts = 3

    let limits: Limits
    let store: any FanInStore
    let writer: TapeWriter
    let reader: FanInReader
    let now: @Sendable () -> Timestamp
    let logger: Logger
    let onGap: OnGap
    let ask: Ask
    let tellStale: @Sendable ([StaleSource]) -> Void
    let wants: (stream: AsyncStream<Bool>, continuation: AsyncStream<Bool>.Continuation)
    private let source: any FanInSource

    var counted = Tally()
    var table: SourceTable
    var letters: LetterBox
    var order = SourceOrder()
    var isLeading = false
    var gathered = Deque<FanInReading>()
    /// Of what is gathered and of what is being appended.
    var heldBytes = 0
    /// Whether messages are wanted; the first time from when the node leads.
    var isListening = false
    /// Once the turn is over, how many of the gathered messages still get an attempt.
    var allowance: Int?
    /// When the turn was lost.
    var lost: Timestamp?
    /// The batch in hand has failed and is tried again.
    var isHeldUp = false
    var pump: CheckedContinuation<Void, Never>?
    var waitingForRoom: [CheckedContinuation<Void, Never>] = []
    var nextPoll: Timestamp?
    var nextForgetting: Timestamp?
    var malformedLog = SparseLog()
    var gapLog = SparseLog()

    /// - Parameters:
    ///   - onGap: Called when a source has left numbers out, from any thread; must not block.
    ///   - tellStale: Called with the sources that are stale whenever they may have changed.
    ///   - now: The clock that messages are stamped with.
    package init(
        source: any FanInSource,
        store: any FanInStore,
        writer: TapeWriter,
        intake: Intake,
        limits: Limits = Limits(),
        logger: Logger,
        onGap: @escaping OnGap = { _ in },
        ask: @escaping Ask = { _ in },
        tellStale: @escaping @Sendable ([StaleSource]) -> Void = { _ in },
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.limits = limits
        self.source = source
        self.store = store
        self.writer = writer
        self.reader = FanInReader(intake: intake, messageBytes: limits.messageBytes, rules: limits.rules)
        self.now = now
        self.logger = logger
        self.onGap = onGap
        self.ask = ask
        self.tellStale = tellStale
        self.wants = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.table = SourceTable(limit: limits.sources)
        self.letters = LetterBox(limit: limits.letters, byteLimit: limits.letterBytes)
    }

    /// The present tally.
    package var tally: Tally {
        var tally = self.counted
        tally.lostLetters = self.letters.lost
        tally.isLeading = self.isLeading
        tally.stale = self.table.stale.count
        tally.heldBytes = self.heldBytes
        if let oldest = self.gathered.first { tally.lag = max(.zero, self.now().duration(since: oldest.received)) }
        return tally
    }

    /// The sources that are known, ascending by name, at most so many.
    package func sources(limit: Int) -> [FanInSourceReport] {
        self.table.reports(limit: limit)
    }

    /// What was set aside, newest first.
    package nonisolated func deadLetters(limit: Int) async throws(TapeFault) -> [DeadLetter] {
        try await self.store.deadLetters(limit: limit)
    }

    // MARK: - Life

    /// Takes part until the task is cancelled: leads when it is this node's turn, and knows what is stale in any case.
    /// What is in hand when it is cancelled gets one more attempt.
    package nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watch() }
            group.addTask { await self.listen() }
            group.addTask { await self.takePart() }
        }
        await self.abandon()
    }

    private nonisolated func takePart() async {
        var backoff = Backoff(self.limits.retry)
        while !Task.isCancelled {
            do throws(TapeFault) {
                try await self.store.whileAlone(Self.name) { await self.lead() }
                backoff.reset()
            } catch {
                self.logger.notice("the fan-in cannot be led from here now", metadata: ["fault": "\(error)"])
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
                self.logger.warning("the marks of sources cannot be read", metadata: ["fault": "\(error)"])
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
        self.wants.continuation.yield(true)
        self.check(now: self.now())
    }

    private func finish() {
        self.allowance = self.gathered.count
        self.pump?.resume()
        self.pump = nil
    }

    private func end() async {
        await self.keep()
        self.letGo()
        self.isLeading = false
        self.lost = self.now()
        self.nextPoll = nil
    }

    /// Listens while messages are wanted, until the task is cancelled.
    private nonisolated func listen() async {
        while let isWanted = await self.nextWish() {
            guard isWanted else { continue }
            await withDiscardingTaskGroup { group in
                group.addTask {
                    await self.source.run { await self.receive($0) }
                }
                while await self.nextWish() == true {}
                await self.stopListening()
                group.cancelAll()
            }
        }
    }

    /// Whether messages are wanted from now on; nil when the task is cancelled.
    private nonisolated func nextWish() async -> Bool? {
        var wishes = self.wants.stream.makeAsyncIterator()
        return await wishes.next()
    }
}
