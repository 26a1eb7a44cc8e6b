// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import DequeModule
import Histogram
import JSON
import NIOCore

/// The subscribers of one event loop, with the ledger that verifies what they receive.
///
/// Everything happens on that loop.
final class Crew {
    /// Who is to become a subscriber.
    struct Recruit: Sendable {
        /// Channels besides those that everybody follows.
        var ownChannels: [Int] = []
        var token: String?
        /// Latencies are recorded per group.
        var group = 0
    }

    /// What crews need to know besides the plan.
    struct Setting: Sendable {
        var connectors: [Connector]
        var patience: TimeAmount
        var dialLimit: Int
        /// Groups of subscribers.
        var groups = 1
        var tally = Tally()
        /// Gets every event read, when one wants more than to count them. Called on the crew's loop.
        var tap: (@Sendable (Event) -> Void)?
    }

    /// What a crew reports during the run.
    struct Status: Sendable {
        var ready = 0
        var following = 0
        var connected = 0
        var deliveries = 0
        var conflated = 0
        var connectionsLost = 0
        var catchingUp = 0
        /// Text received, in bytes without frame headers.
        var bytes = 0
    }

    /// An acknowledged position of an event of the run.
    struct Acknowledgement: Sendable {
        var event: Int
        var channel: Int
        var epoch: String
        var seq: Int
        var slot: Int
    }

    /// Longest latency that is distinguished from longer ones, in nanoseconds: an hour.
    static let longestLatency: UInt64 = 3_600_000_000_000

    let loop: any EventLoop
    let setting: Setting
    let plan: Plan
    var ledger: Ledger
    var connectionsLost = 0
    var bytes = 0
    /// Failed attempts to connect, by what happened.
    private(set) var failedDials: [String: Int] = [:]
    private(set) var isLeaving = false
    /// One per group of subscribers for each phase there was so far.
    private(set) var latencies: [Histogram<UInt64>]
    /// From when a subscriber should have begun to connect to its last subscription.
    var setUp = Crew.makeHistogram()
    /// From when a subscriber should have come back to when it had all it had missed, per group.
    private(set) var catchUps: [Histogram<UInt64>]
    private(set) var failure: RunError?
    /// When the last delivery arrived.
    private(set) var lastDelivery: NIODeadline?
    /// When the last subscriber had all that it had missed.
    private(set) var lastCaughtUp: NIODeadline?
    /// The number that those who catch up have to come to, per channel.
    private var targets: [Int] = []
    private(set) var members: [CrewMember] = []
    private var waiting = Deque<CrewMember>()
    private var dialing = 0
    private var ready = 0
    private var phase = 0
    /// Members that have not got to their targets.
    var catchingUp = 0
    private let gathered: EventLoopPromise<Void>
    private var isGathered = false
    private var ticker: RepeatedTask?
    /// Sends members away while a run churns.
    var churning: RepeatedTask?
    /// How many members were disconnected, or unsubscribed from a channel.
    var churned = 0
    /// The event of the last delivery, and what latencies of it count from: fan-out asks for the same one many times.
    private var lastDue: (event: Int, at: UInt64?) = (-1, nil)

    init(on loop: any EventLoop, _ setting: Setting, plan: Plan) {
        self.loop = loop
        self.setting = setting
        self.plan = plan
        self.ledger = Ledger(plan.channels)
        self.gathered = loop.makePromise()
        self.latencies = (0..<setting.groups).map { _ in Self.makeHistogram() }
        self.catchUps = (0..<setting.groups).map { _ in Self.makeHistogram() }
    }

    static func makeHistogram() -> Histogram<UInt64> {
        Histogram(
            lowestDiscernibleValue: 1_000,
            highestTrackableValue: Self.longestLatency,
            numberOfSignificantValueDigits: .three
        )
    }

    // MARK: - Connecting

    /// Connects subscribers.
    /// - Parameter rate: How many a second; nil is as fast as they are let in.
    /// - Returns: Done when all of their subscriptions have begun.
    func gather(_ recruits: [Recruit], rate: Double? = nil) -> EventLoopFuture<Void> {
        let now = NIODeadline.now()
        let newcomers = recruits.enumerated().map { index, recruit in
            CrewMember(
                self.ledger.addSubscriber(ownChannels: recruit.ownChannels),
                recruit,
                crew: self,
                number: self.members.count + index,
                now: now
            )
        }
        self.members += newcomers
        let crew = NIOLoopBound(self, eventLoop: self.loop)
        self.ticker = self.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            let now = NIODeadline.now()
            for member in crew.value.members { member.check(now: now) }
        }
        self.dial(newcomers[...], rate: rate)
        if self.members.isEmpty { self.finishGathering(.success(())) }
        return self.gathered.futureResult
    }

    /// Lets subscribers connect, at a rate or all at once.
    func dial(_ members: ArraySlice<CrewMember>, rate: Double?) {
        guard let rate else {
            self.waiting.append(contentsOf: members)
            return self.dialNext()
        }
        let start = NIODeadline.now()
        for (index, member) in members.enumerated() {
            let due = start + .nanoseconds(Int64(clamping: Double(index) / rate * 1e9, to: 0...Int64.max))
            self.loop.assumeIsolated().scheduleTask(deadline: due) { self.dial(member, due: due) }
        }
    }

    func dial(_ member: CrewMember, due: NIODeadline? = nil) {
        guard !self.isLeaving else { return }
        member.due = due
        self.waiting.append(member)
        self.dialNext()
    }

    private func dialNext() {
        while self.dialing < self.setting.dialLimit, !self.isLeaving, let member = self.waiting.popFirst() {
            self.dialing += 1
            member.dial()
        }
    }

    /// A member's attempt to connect has come to its end, one way or the other.
    func dialed(_ failure: Ending? = nil) {
        self.dialing -= 1
        if let failure { self.failedDials[failure.description, default: 0] += 1 }
        self.dialNext()
    }

    func memberIsReady() {
        self.ready += 1
        if self.ready == self.members.count { self.finishGathering(.success(())) }
    }

    private func finishGathering(_ result: Result<Void, any Error>) {
        guard !self.isGathered else { return }
        self.isGathered = true
        self.gathered.completeWith(result)
    }

    /// Something happened that must not; the first one counts.
    func fail(_ error: RunError) {
        guard !self.isLeaving else { return }
        self.failure = self.failure ?? error
        self.finishGathering(.failure(error))
    }

    // MARK: - Phases

    /// Latencies from now on are counted apart from those before.
    func beginPhase() {
        self.phase += 1
        self.latencies += (0..<self.setting.groups).map { _ in Self.makeHistogram() }
    }

    /// From now on those who come back have to get to the last acknowledged numbers.
    func setTargets() {
        self.targets = self.plan.channels.indices.map { self.ledger.lastAcknowledged(of: $0) }
    }

    func target(of channel: Int) -> Int {
        self.targets.indices.contains(channel) ? self.targets[channel] : 0
    }

    /// A member has all that it had missed.
    func caughtUp(_ member: CrewMember, since due: NIODeadline, at time: NIODeadline) {
        let took = max(0, (time - due).nanoseconds)
        self.catchUps[member.group].record(min(UInt64(clamping: took), Self.longestLatency))
        self.lastCaughtUp = max(self.lastCaughtUp ?? time, time)
        self.catchingUp -= 1
    }

    // MARK: - Deliveries

    func received(_ heading: EventHeading, in text: ByteBuffer, by member: CrewMember, at time: NIODeadline) {
        let bytes = text.readableBytesUInt8Span
        guard let channel = self.plan.table.find(bytes, heading.channel) else { return self.ledger.notedUncalled() }
        let claim = self.plan.claim(bytes, id: heading.id)
        if case .ours(let event) = claim, self.plan.contents.indices.contains(channel),
            !self.plan.contents[channel].ends(text, event: event)
        {
            self.ledger.notedWrongContent()
        }
        self.received(channel, seq: heading.seq, skipped: heading.skipped, claim, by: member, at: time)
    }

    func received(_ event: Event, by member: CrewMember, at time: NIODeadline) {
        guard let channel = self.plan.table.find(event.channel) else { return self.ledger.notedUncalled() }
        let id = Array(event.id.utf8)
        let claim = self.plan.claim(id.span, id: 0..<id.count)
        self.received(channel, seq: event.seq, skipped: event.skipped, claim, by: member, at: time)
    }

    private func received(
        _ channel: Int,
        seq: Int,
        skipped: Int,
        _ claim: Ledger.Claim,
        by member: CrewMember,
        at time: NIODeadline
    ) {
        self.lastDelivery = time
        var slot = 0
        if case .ours(let event) = claim, self.plan.channels[channel].slots > 1 {
            slot = self.plan.slot(of: event, in: channel)
        }
        let outcome = self.ledger.received(member.subscriber, channel, seq: seq, skipped: skipped, claim, slot: slot)
        switch outcome {
        case .inOrder, .ahead, .late:
            self.setting.tally.add(1 + min(skipped, seq))
            self.record(claim, of: member, at: time)
            member.delivered(channel, seq: seq, at: time)
        case .again, .uncalled: break
        }
    }

    private func record(_ claim: Ledger.Claim, of member: CrewMember, at time: NIODeadline) {
        guard case .ours(let event) = claim else { return }
        if event != self.lastDue.event { self.lastDue = (event, self.plan.due[event]) }
        guard let due = self.lastDue.at else { return }
        let uptime = time.uptimeNanoseconds
        let latency = uptime > due ? uptime - due : 0
        let series = self.phase * self.setting.groups + member.group
        self.latencies[series].record(min(latency, Self.longestLatency))
    }

    // MARK: - Publishing

    func acknowledged(_ acknowledgements: [Acknowledgement]) {
        for acknowledgement in acknowledgements {
            self.ledger.acknowledged(
                acknowledgement.event,
                acknowledgement.channel,
                epoch: acknowledgement.epoch,
                seq: acknowledgement.seq,
                slot: acknowledgement.slot
            )
        }
    }

    // MARK: - Status and end

    var status: Status {
        Status(
            ready: self.ready,
            following: self.members.count { $0.isFollowing },
            connected: self.members.count { $0.connection != nil },
            deliveries: self.ledger.counts.deliveries,
            conflated: self.ledger.counts.conflated,
            connectionsLost: self.connectionsLost,
            catchingUp: self.catchingUp,
            bytes: self.bytes
        )
    }

    /// Closes the connections; what comes after that does not count.
    func leave() {
        self.isLeaving = true
        self.ticker?.cancel()
        self.churning?.cancel()
        self.waiting = []
        self.finishGathering(.failure(CancellationError()))
        for member in self.members { member.leave() }
        // Members hold their crew for as long as they have a connection.
        self.members = []
    }
}
