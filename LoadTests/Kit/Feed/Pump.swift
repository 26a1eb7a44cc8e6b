// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Histogram
import JSON
import NIOCore

/// Publishes the events of a scenario at its pace, and tells the crews what was acknowledged.
///
/// Lives on one loop. Its queue is what the hub has not answered, which the pace bounds, or the feed.
final class Pump {
    struct Setting: Sendable {
        var pace: Pace
        var course: Course
        /// Most events of one request.
        var batch = 1
        /// Subscribers of each channel that are waited for where a pace waits.
        var followers = 0
        /// Events in all; nil continues until stopped.
        var limit: Int?
    }

    /// Most often that a schedule is looked at; what is due in between goes out together.
    private static let period = TimeAmount.microseconds(250)

    let loop: any EventLoop
    let plan: Plan
    private let setting: Setting
    private let crews: [CrewLink]
    private let tally: Tally
    private let scoreboard: Scoreboard
    private var feeds: [any Feed] = []
    private var turn = 0
    private var isRunning = false
    private var isMeasuring = false
    private var start = NIODeadline.now()
    private var sent = 0
    private var unanswered = 0
    /// Deliveries that there will have been of what was sent.
    private var expected = 0
    /// Events of the burst under way that have not gone out.
    private var owed = 0
    private var isScheduled = false
    private var stopped: EventLoopPromise<Void>?
    private var finished: EventLoopPromise<Void>?
    private var failure: RunError?
    /// How late events went out after they were due, in nanoseconds: the generator's own fault.
    private(set) var lateness = Crew.makeHistogram()

    init(on loop: any EventLoop, _ setting: Setting, stage: Stage) {
        self.loop = loop
        self.plan = stage.plan
        self.setting = setting
        self.crews = stage.crews
        self.tally = stage.tally
        self.scoreboard = stage.scoreboard
    }

    /// Sets how events get to the hub; before the first of them.
    func connect(_ feeds: [any Feed]) {
        self.feeds = feeds
        let pump = NIOLoopBound(self, eventLoop: self.loop)
        self.tally.onThreshold { [loop] in loop.execute { pump.value.progress() } }
    }

    /// Begins to publish.
    func begin() {
        self.start = .now()
        self.expected = self.tally.count
        self.isRunning = true
        self.progress()
    }

    /// Done when the last event was acknowledged, if there is a last one.
    func allAcknowledged() -> EventLoopFuture<Void> {
        let promise = self.loop.makePromise(of: Void.self)
        self.finished = promise
        if let failure { self.fail(failure) }
        self.finishIfDone()
        return promise.futureResult
    }

    /// From now on latencies count, or do not.
    func measure(_ isMeasuring: Bool) {
        self.isMeasuring = isMeasuring
    }

    /// Sends nothing more.
    /// - Returns: Done when everything sent was acknowledged.
    func stop() -> EventLoopFuture<Void> {
        self.isRunning = false
        let promise = self.loop.makePromise(of: Void.self)
        self.stopped = promise
        if let failure { self.fail(failure) }
        self.finishIfDone()
        return promise.futureResult
    }

    func close() {
        self.isRunning = false
        for feed in self.feeds { feed.close() }
        self.feeds = []
        self.finished?.fail(CancellationError())
        self.finished = nil
        self.stopped?.fail(CancellationError())
        self.stopped = nil
    }

    func fail(_ error: RunError) {
        let error = self.failure ?? error
        self.failure = error
        self.isRunning = false
        self.crews.first?.tell { $0.fail(error) }
        self.finished?.fail(error)
        self.finished = nil
        self.stopped?.fail(error)
        self.stopped = nil
    }

    // MARK: - Sending

    private var inFlight: Int {
        guard self.setting.followers > 0 else { return self.unanswered }
        let missing = max(0, self.expected - self.tally.count)
        return max(self.unanswered, (missing + self.setting.followers - 1) / self.setting.followers)
    }

    /// Sends what may be sent now.
    func progress() {
        while self.isRunning {
            let now = NIODeadline.now()
            var room = self.setting.pace.room(
                inFlight: self.inFlight,
                sent: self.sent,
                elapsed: Double((now - self.start).nanoseconds) / 1e9
            )
            if case .burst = self.setting.pace {
                if self.owed == 0 { self.owed = room }
                room = self.owed
            }
            if let limit = self.setting.limit { room = min(room, limit - self.sent) }
            guard room > 0 else {
                if self.sent == self.setting.limit {
                    self.isRunning = false
                    self.finishIfDone()
                    return
                }
                if !self.waitForRoom(now: now) { continue }
                return
            }
            guard let feed = self.feeds[self.turn...].first(where: \.hasRoom) ?? self.feeds.first(where: \.hasRoom)
            else { return }
            self.turn = (self.turn + 1) % self.feeds.count
            self.send(min(room, self.setting.batch), to: feed, now: now)
        }
    }

    /// Arranges to be woken.
    /// - Returns: False if there is room meanwhile.
    private func waitForRoom(now: NIODeadline) -> Bool {
        guard let due = self.setting.pace.due(of: self.sent) else {
            guard self.setting.followers > 0 else { return true }
            let (allowed, overflow) = self.setting.pace.patience.multipliedReportingOverflow(by: self.setting.followers)
            let isWaiting = self.tally.await(self.expected - (overflow ? 0 : allowed))
            // What is not acknowledged counts too; its acknowledgement comes back here.
            return isWaiting || self.unanswered > self.setting.pace.patience
        }
        guard !self.isScheduled else { return true }
        self.isScheduled = true
        let time = max(self.start + .nanoseconds(Int64(clamping: due * 1e9, to: 0...Int64.max)), now + Self.period)
        self.loop.assumeIsolated().scheduleTask(deadline: time) {
            self.isScheduled = false
            self.progress()
        }
        return true
    }

    private func send(_ count: Int, to feed: any Feed, now: NIODeadline) {
        var publications: [[UInt8]] = []
        var bytes = 0
        var due: [UInt64] = []
        while publications.count < count, publications.isEmpty || bytes < feed.requestBytes {
            let event = self.sent + publications.count
            let channel = self.setting.course.channel(of: event)
            let json = self.plan.contents[channel].publication(
                of: event,
                key: self.plan.channels[channel].key,
                run: self.plan.run
            )
            bytes += json.count + 1
            if bytes > feed.requestBytes, !publications.isEmpty { break }
            publications.append(json)
            due.append(self.due(of: event, now: now))
        }
        self.plan.due.append(due)
        let events = self.sent..<self.sent + publications.count
        self.sent = events.upperBound
        self.owed = max(0, self.owed - events.count)
        self.unanswered += events.count
        self.expected += events.count * self.setting.followers
        self.scoreboard.sent(events.count, at: now)
        feed.send(events, publications)
    }

    /// What latencies of an event count from; 0 where they do not count.
    private func due(of event: Int, now: NIODeadline) -> UInt64 {
        let isMeasuring = self.isMeasuring
        guard let offset = self.setting.pace.due(of: event) else { return isMeasuring ? now.uptimeNanoseconds : 0 }
        let due = (self.start + .nanoseconds(Int64(clamping: offset * 1e9, to: 0...Int64.max))).uptimeNanoseconds
        guard isMeasuring else { return 0 }
        let late = now.uptimeNanoseconds > due ? now.uptimeNanoseconds - due : 0
        self.lateness.record(min(late, Crew.longestLatency))
        return due
    }

    // MARK: - Answers

    /// The hub has acknowledged events.
    func answered(_ events: Range<Int>, _ receipts: [Receipt]) {
        guard receipts.count == events.count else {
            return self.fail(.unexpected("\(receipts.count) results came for \(events.count) events"))
        }
        let now = NIODeadline.now()
        var acknowledgements: [Crew.Acknowledgement] = []
        acknowledgements.reserveCapacity(events.count)
        var latencies: [UInt64] = []
        for (event, receipt) in zip(events, receipts) {
            let channel = self.setting.course.channel(of: event)
            guard let position = receipt.positions.first, receipt.positions.count == 1,
                position.channel == self.plan.channels[channel].name
            else {
                return self.fail(.positions(event: event, expected: 1, actual: receipt.positions.count))
            }
            acknowledgements.append(
                Crew.Acknowledgement(
                    event: event,
                    channel: channel,
                    epoch: position.epoch,
                    seq: position.seq,
                    slot: 0
                )
            )
            if let due = self.plan.due[event] {
                latencies.append(now.uptimeNanoseconds > due ? now.uptimeNanoseconds - due : 0)
            }
        }
        self.unanswered -= events.count
        self.scoreboard.acknowledged(
            events.count,
            latencies,
            duplicates: receipts.count { $0.status == .duplicate },
            at: now
        )
        let told = acknowledgements
        for crew in self.crews { crew.tell { $0.acknowledged(told) } }
        self.progress()
        self.finishIfDone()
    }

    private func finishIfDone() {
        guard !self.isRunning, self.unanswered == 0 else { return }
        if self.sent == self.setting.limit {
            self.finished?.succeed()
            self.finished = nil
        }
        self.stopped?.succeed()
        self.stopped = nil
    }
}
