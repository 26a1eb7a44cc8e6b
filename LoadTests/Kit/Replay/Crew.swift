// SPDX-License-Identifier: Apache-2.0

import Client
import DequeModule
import Histogram
import NIOCore

/// The subscribers of one event loop, with the ledger that judges what they get.
///
/// Everything happens on that loop.
final class Crew {
    /// What a crew tells while the run goes on.
    struct Status: Sendable {
        var ready = 0
        var following = 0
        var deliveries = 0
        var conflated = 0
        var connectionsLost = 0
    }

    /// An acknowledged position of an event of the run.
    struct Acknowledgement: Sendable {
        var event: Int
        var channel: Int
        var epoch: String
        var seq: Int
        var slot: Int
    }

    /// Connections being made at once.
    private static let dialLimit = 64
    /// Longest latency told apart from longer ones, in nanoseconds: an hour.
    static let longestLatency: UInt64 = 3_600_000_000_000

    let loop: any EventLoop
    let connector: Connector
    let plan: Plan
    let patience: TimeAmount
    var ledger: Ledger
    var connectionsLost = 0
    private(set) var isLeaving = false
    private(set) var latency = Crew.makeHistogram()
    private(set) var failure: ReplayError?
    /// When the last delivery arrived.
    private(set) var lastDelivery: NIODeadline?
    private var members: [CrewMember] = []
    private var waiting = Deque<CrewMember>()
    private var dialing = 0
    private var ready = 0
    private let gathered: EventLoopPromise<Void>
    private var isGathered = false
    private var ticker: RepeatedTask?

    init(on loop: any EventLoop, connector: Connector, plan: Plan, patience: TimeAmount) {
        self.loop = loop
        self.connector = connector
        self.plan = plan
        self.patience = patience
        self.ledger = Ledger(plan.trace.channels)
        self.gathered = loop.makePromise()
    }

    static func makeHistogram() -> Histogram<UInt64> {
        Histogram(
            lowestDiscernibleValue: 1_000,
            highestTrackableValue: Self.longestLatency,
            numberOfSignificantValueDigits: .three
        )
    }

    /// Connects subscribers.
    /// - Returns: Done when all of their subscriptions have begun.
    func gather(_ subscribers: [(privateChannels: [Int], token: String?)]) -> EventLoopFuture<Void> {
        let now = NIODeadline.now()
        for subscriber in subscribers {
            let member = CrewMember(
                self.ledger.addSubscriber(privateChannels: subscriber.privateChannels),
                token: subscriber.token,
                crew: self,
                now: now
            )
            self.members.append(member)
            self.waiting.append(member)
        }
        let crew = NIOLoopBound(self, eventLoop: self.loop)
        self.ticker = self.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            let now = NIODeadline.now()
            for member in crew.value.members { member.check(now: now) }
        }
        self.dialNext()
        if self.members.isEmpty { self.finishGathering(.success(())) }
        return self.gathered.futureResult
    }

    func dial(_ member: CrewMember) {
        guard !self.isLeaving else { return }
        self.waiting.append(member)
        self.dialNext()
    }

    private func dialNext() {
        while self.dialing < Self.dialLimit, !self.isLeaving, let member = self.waiting.popFirst() {
            self.dialing += 1
            member.dial()
        }
    }

    /// A member's attempt to connect has come to its end, one way or the other.
    func dialed() {
        self.dialing -= 1
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
    func fail(_ error: ReplayError) {
        guard !self.isLeaving else { return }
        self.failure = self.failure ?? error
        self.finishGathering(.failure(error))
    }

    // MARK: - Deliveries

    func received(
        _ heading: EventHeading,
        in text: ByteBuffer,
        by subscriber: Ledger.Subscriber,
        at time: NIODeadline
    ) {
        let bytes = text.readableBytesUInt8Span
        guard let channel = self.plan.table.find(bytes, heading.channel) else { return }
        let claim = self.plan.claim(bytes, id: heading.id)
        self.received(channel, seq: heading.seq, skipped: heading.skipped, claim, by: subscriber, at: time)
    }

    func received(_ event: Event, by subscriber: Ledger.Subscriber, at time: NIODeadline) {
        guard let channel = self.plan.table.find(event.channel) else { return }
        let id = Array(event.id.utf8)
        let claim = self.plan.claim(id.span, id: 0..<id.count)
        self.received(channel, seq: event.seq, skipped: event.skipped, claim, by: subscriber, at: time)
    }

    private func received(
        _ channel: Int,
        seq: Int,
        skipped: Int,
        _ claim: Ledger.Claim,
        by subscriber: Ledger.Subscriber,
        at time: NIODeadline
    ) {
        self.lastDelivery = time
        var slot = 0
        if case .ours(let event) = claim, self.plan.trace.channels[channel].slots > 1 {
            slot = self.plan.slot(of: event, in: channel)
        }
        let outcome = self.ledger.received(subscriber, channel, seq: seq, skipped: skipped, claim, slot: slot)
        switch outcome {
        case .inOrder, .ahead, .late: self.record(claim, at: time)
        case .again, .uncalled: break
        }
    }

    private func record(_ claim: Ledger.Claim, at time: NIODeadline) {
        guard case .ours(let event) = claim, let due = self.plan.due[event] else { return }
        let uptime = time.uptimeNanoseconds
        let latency = uptime > due ? uptime - due : 0
        self.latency.record(min(latency, Self.longestLatency))
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
            deliveries: self.ledger.counts.deliveries,
            conflated: self.ledger.counts.conflated,
            connectionsLost: self.connectionsLost
        )
    }

    /// Closes the connections; what comes after that does not count.
    func leave() {
        self.isLeaving = true
        self.ticker?.cancel()
        self.waiting = []
        self.finishGathering(.failure(CancellationError()))
        for member in self.members { member.leave() }
        // Members hold their crew for as long as they have a connection.
        self.members = []
    }
}
