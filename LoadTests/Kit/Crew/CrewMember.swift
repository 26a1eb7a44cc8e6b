// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Histogram
import NIOCore

/// One subscriber: its connection, and the next one when that is lost.
///
/// Lives on its crew's loop.
final class CrewMember: ConnectionReceiver {
    let subscriber: Ledger.Subscriber
    let group: Int
    let crew: Crew
    private let token: String?
    private(set) var connection: Connection?
    /// When it should have begun to connect, where there is a schedule; else when it did.
    var due: NIODeadline?
    /// Subscriptions asked for on this connection and not answered.
    private var unanswered = 0
    /// A channel that it has given up for a while.
    private var idleChannel: Int?
    /// Whether the hub has yet to answer that.
    private var isUnsubscribing = false
    /// Whether it wants that channel back.
    private var wantsChannelBack = false
    /// Whether all its subscriptions have begun once.
    private(set) var isReady = false
    /// Whether it stays disconnected until it is asked to reconnect.
    private(set) var isAway = false
    /// Channels in which it has not yet got to the target.
    private var pending = 0
    private var pendingSince = NIODeadline.now()
    /// Since when it has been without a connection.
    private var lostAt: NIODeadline
    private var failures = 0
    private var isDialing = false
    private var node: Int
    /// What the hub said last before it closed.
    private var lastError: String?
    private var heartbeat = TimeAmount.seconds(10)

    init(_ subscriber: Ledger.Subscriber, _ recruit: Crew.Recruit, crew: Crew, number: Int, now: NIODeadline) {
        self.subscriber = subscriber
        self.group = recruit.group
        self.token = recruit.token
        self.crew = crew
        self.node = number
        self.lostAt = now
    }

    /// Whether it is connected with all its subscriptions active, or disconnected on purpose.
    var isFollowing: Bool { self.isAway || self.connection?.isOpen == true && self.unanswered == 0 }

    func dial() {
        self.isDialing = true
        self.lastError = nil
        self.due = self.due ?? .now()
        let connectors = self.crew.setting.connectors
        self.connection = connectors[self.node % connectors.count]
            .connect(on: self.crew.loop, token: self.token, receiver: self)
    }

    private func dialed(_ failure: Ending? = nil) {
        guard self.isDialing else { return }
        self.isDialing = false
        self.crew.dialed(failure)
    }

    func leave() {
        self.connection?.close()
    }

    /// Gives up a connection on which nothing comes any more; tells the hub that one which is not read is alive.
    func check(now: NIODeadline) {
        guard let connection = self.connection, connection.isOpen else { return }
        guard !connection.isPaused else { return connection.sendKeepAlive() }
        let silence = now - connection.lastHeard
        guard silence > .nanoseconds(self.heartbeat.nanoseconds * 5 / 2) else { return }
        connection.abandon(.silent(milliseconds: Int(silence.nanoseconds / 1_000_000)))
    }

    // MARK: - Coming and going

    /// Closes its connection and makes no other.
    func goAway() {
        self.isAway = true
        self.connection?.close()
    }

    /// Connects again and resumes.
    /// - Parameter due: When it should have begun to.
    func comeBack(due: NIODeadline? = nil) {
        guard self.isAway else { return }
        self.isAway = false
        self.lostAt = .now()
        // A goodbye that is not answered yet ends the connection first.
        guard self.connection == nil else { return self.due = due }
        self.crew.dial(self, due: due)
    }

    /// Begins to wait for the targets of its channels.
    func beginCatchingUp(since due: NIODeadline) {
        let wasPending = self.pending > 0
        self.pendingSince = due
        self.pending = self.crew.ledger.channelsOf(self.subscriber).count { channel in
            let position = self.crew.ledger.position(of: self.subscriber, channel)
            return (position?.seq ?? 0) < self.crew.target(of: channel)
        }
        self.crew.catchingUp += (self.pending > 0 ? 1 : 0) - (wasPending ? 1 : 0)
    }

    /// An event of a channel was delivered, in order.
    func delivered(_ channel: Int, seq: Int, at time: NIODeadline) {
        guard self.pending > 0 else { return }
        let target = self.crew.target(of: channel)
        // The one that reaches or, conflated, passes the target.
        guard seq >= target, self.crew.ledger.previous(of: self.subscriber, channel) < target else { return }
        self.pending -= 1
        if self.pending == 0 { self.crew.caughtUp(self, since: self.pendingSince, at: time) }
    }

    func unsubscribe(from channel: Int) {
        guard let connection = self.connection, connection.isOpen, self.unanswered == 0, self.idleChannel == nil else {
            return
        }
        self.idleChannel = channel
        self.isUnsubscribing = true
        self.wantsChannelBack = false
        connection.send(Request.unsubscribe(channel: self.crew.plan.channels[channel].name).encoded(id: 1))
    }

    /// Subscribes again to what it has unsubscribed from.
    ///
    /// Not before the hub has answered: until then events come, and the position to resume from is not known.
    func resubscribe() {
        guard let connection = self.connection, connection.isOpen, let channel = self.idleChannel else { return }
        guard !self.isUnsubscribing else { return self.wantsChannelBack = true }
        self.idleChannel = nil
        self.unanswered += 1
        self.subscribe(to: [channel])
    }

    private func unsubscribed() {
        self.isUnsubscribing = false
        if self.wantsChannelBack { self.resubscribe() }
    }

    // MARK: - From the connection

    func connectionOpened() {
        let channels = self.crew.ledger.channelsOf(self.subscriber)
        self.idleChannel = nil
        self.isUnsubscribing = false
        self.unanswered = channels.count
        self.subscribe(to: channels)
        self.dialed()
        if self.isAway { self.connection?.close() }
    }

    private func subscribe(to channels: [Int]) {
        let wanted = channels.map { channel in
            let name = self.crew.plan.channels[channel].name
            guard let position = self.crew.ledger.position(of: self.subscriber, channel) else {
                // From now on: the hub pins the position before it answers.
                return Request.Subscribe(channel: name, snapshot: false)
            }
            return Request.Subscribe(channel: name, since: position.seq, epoch: position.epoch)
        }
        for (index, request) in Request.subscribes(wanted).enumerated() {
            self.connection?.send(request.encoded(id: index + 1))
        }
    }

    func connectionReceived(_ text: ByteBuffer) {
        guard let connection = self.connection else { return }
        self.crew.bytes += text.readableBytes
        if self.crew.setting.tap == nil, let heading = EventHeading(text) {
            self.crew.received(heading, in: text, by: self, at: connection.lastHeard)
            return
        }
        do throws(Message.Unreadable) {
            self.received(try Message(text), at: connection.lastHeard)
        } catch {
            connection.abandon(.violation(error.description))
        }
    }

    private func received(_ message: Message, at time: NIODeadline) {
        switch message {
        case .event(let event):
            self.crew.received(event, by: self, at: time)
            self.crew.setting.tap?(event)
        case .subscribed(let answer):
            self.subscribed(answer)
        case .welcome(let welcome):
            self.heartbeat = .milliseconds(Int64(clamping: min(max(welcome.heartbeatMilliseconds, 10), 3_600_000)))
        case .error(let fault):
            self.received(fault)
        case .unsubscribed:
            self.unsubscribed()
        case .authenticated, .snapshot, .caughtUp, .heartbeat, .history, .published, .pong, .goodbye,
            .unknown:
            break
        }
    }

    private func subscribed(_ answer: Message.Subscribed) {
        guard let channel = self.crew.plan.table.find(answer.channel) else { return }
        switch self.crew.ledger.subscribed(self.subscriber, channel, epoch: answer.epoch, head: answer.head) {
        case .accepted:
            break
        case .epochChanged(let from):
            self.crew.fail(.epochChanged(channel: answer.channel, from: from, to: answer.epoch))
        }
        self.unanswered = max(0, self.unanswered - 1)
        guard self.unanswered == 0 else { return }
        self.failures = 0
        if let due = self.due {
            self.due = nil
            let took = UInt64(clamping: max(0, (NIODeadline.now() - due).nanoseconds))
            self.crew.setUp.record(min(took, Crew.longestLatency))
        }
        if !self.isReady {
            self.isReady = true
            self.crew.memberIsReady()
        }
    }

    private func received(_ fault: Message.Fault) {
        self.lastError = fault.message.isEmpty ? fault.code : fault.message
        guard let name = fault.channel, let channel = self.crew.plan.table.find(name) else { return }
        switch fault.code {
        case "unavailable", "overloaded":
            self.crew.loop.assumeIsolated().scheduleTask(in: .milliseconds(500)) { self.subscribe(to: [channel]) }
        default:
            self.crew.fail(.refused(channel: name, code: fault.code, message: fault.message))
        }
    }

    func connectionEnded(_ ending: Ending) {
        let wasOpen = !self.isDialing
        self.connection = nil
        self.dialed(ending)
        guard !self.crew.isLeaving, !self.isAway else { return }
        let now = NIODeadline.now()
        if wasOpen, case .closed(1000, _) = ending {
            // It was asked to disconnect, and to reconnect before it had disconnected.
            return self.crew.dial(self, due: self.due)
        }
        if wasOpen {
            self.crew.connectionsLost += 1
            self.lostAt = now
        }
        self.node += 1
        guard ending.verdict == .reconnect else {
            return self.crew.fail(.turnedAway(ending, said: self.lastError))
        }
        guard now - self.lostAt < self.crew.setting.patience else {
            return self.crew.fail(.cannotConnect(ending))
        }
        self.failures += 1
        // Sooner and more often than a client should: the outage is what is being looked at.
        let bound = min(100 << min(self.failures, 4), 1000)
        let delay = TimeAmount.milliseconds(.random(in: 10...Int64(bound)))
        let due = self.due
        self.crew.loop.assumeIsolated().scheduleTask(in: delay) { self.crew.dial(self, due: due) }
    }
}
