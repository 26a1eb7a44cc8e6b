// SPDX-License-Identifier: Apache-2.0

import Client
import NIOCore

/// One subscriber: its connection, and the next one when that is lost.
///
/// Lives on its crew's loop.
final class CrewMember: ConnectionReceiver {
    let subscriber: Ledger.Subscriber
    let token: String?
    private let crew: Crew
    private(set) var connection: Connection?
    /// Subscriptions asked for on this connection and not answered.
    private var unanswered = 0
    /// Whether all its subscriptions have begun once.
    private var isReady = false
    /// Since when it has been without a connection.
    private var lostAt: NIODeadline
    private var failures = 0
    private var isDialing = false
    /// What the hub said last before it closed.
    private var complaint: String?
    private var heartbeat = TimeAmount.seconds(10)

    init(_ subscriber: Ledger.Subscriber, token: String?, crew: Crew, now: NIODeadline) {
        self.subscriber = subscriber
        self.token = token
        self.crew = crew
        self.lostAt = now
    }

    /// Whether it is connected and all its subscriptions go on.
    var isFollowing: Bool { self.connection?.isOpen == true && self.unanswered == 0 }

    func dial() {
        self.isDialing = true
        self.complaint = nil
        self.connection = self.crew.connector.connect(on: self.crew.loop, token: self.token, receiver: self)
    }

    private func dialed() {
        guard self.isDialing else { return }
        self.isDialing = false
        self.crew.dialed()
    }

    func leave() {
        self.connection?.close()
    }

    /// Gives up a connection on which nothing comes any more.
    func check(now: NIODeadline) {
        guard let connection = self.connection, connection.isOpen else { return }
        let silence = now - connection.lastHeard
        guard silence > .nanoseconds(self.heartbeat.nanoseconds * 5 / 2) else { return }
        connection.abandon(.silent(milliseconds: Int(silence.nanoseconds / 1_000_000)))
    }

    // MARK: - From the connection

    func connectionOpened() {
        let channels = self.crew.ledger.channelsOf(self.subscriber)
        self.unanswered = channels.count
        self.subscribe(to: channels)
        self.dialed()
    }

    private func subscribe(to channels: [Int]) {
        let wanted = channels.map { channel in
            let name = self.crew.plan.trace.channels[channel].name
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
        if let heading = EventHeading(text) {
            self.crew.received(heading, in: text, by: self.subscriber, at: connection.lastHeard)
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
            self.crew.received(event, by: self.subscriber, at: time)
        case .subscribed(let answer):
            self.subscribed(answer)
        case .welcome(let welcome):
            self.heartbeat = .milliseconds(Int64(min(max(welcome.heartbeatMilliseconds, 10), 3_600_000)))
        case .error(let fault):
            self.received(fault)
        case .authenticated, .unsubscribed, .snapshot, .caughtUp, .heartbeat, .history, .published, .pong, .goodbye,
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
        if !self.isReady {
            self.isReady = true
            self.crew.memberIsReady()
        }
    }

    private func received(_ fault: Message.Fault) {
        self.complaint = fault.message.isEmpty ? fault.code : fault.message
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
        self.dialed()
        guard !self.crew.isLeaving else { return }
        let now = NIODeadline.now()
        if wasOpen {
            self.crew.connectionsLost += 1
            self.lostAt = now
        }
        guard ending.verdict == .reconnect else {
            return self.crew.fail(.turnedAway(ending, said: self.complaint))
        }
        guard now - self.lostAt < self.crew.patience else {
            return self.crew.fail(.cannotConnect(ending))
        }
        self.failures += 1
        // Sooner and more often than a client should: the outage is what is being looked at.
        let bound = min(100 << min(self.failures, 4), 1000)
        let delay = TimeAmount.milliseconds(.random(in: 10...Int64(bound)))
        self.crew.loop.assumeIsolated().scheduleTask(in: delay) { self.crew.dial(self) }
    }
}
