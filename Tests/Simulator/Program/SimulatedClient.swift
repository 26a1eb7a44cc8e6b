// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import EventLog
import NIOCore
import WebSocketClient

/// A client: the real machine, an application that checks what it gets, and cursors that survive a restart.
final class SimulatedClient: @unchecked Sendable {
    let index: Int
    private let plan: Scenario.Subscriber
    private let cluster: Cluster
    private var random: SeededRandom
    private var machine: Machine
    private var connection: SimulatedConnection?
    private var isOpen = false
    private var timer: Timer?
    private var isReading = false
    /// The process is suspended.
    private(set) var isAsleep = false
    private var isPaused = false
    /// When it was last suspended or did not read.
    private var idleUntil: Int64 = 0
    private(set) var token: String?
    /// All that were sent over the present connection.
    private var tokens: [String] = []
    private var readers: [String: Reader] = [:]
    private var saved: [String: BroadtapeClient.Position] = [:]

    init(_ index: Int, _ plan: Scenario.Subscriber, cluster: Cluster, random: SeededRandom) {
        self.index = index
        self.plan = plan
        self.cluster = cluster
        self.random = random
        self.machine = Machine([], hasToken: false, backoff: Backoff(), now: .now())
    }

    func start() {
        let epoch = self.cluster.store.base.epoch
        let wanted = self.plan.channels.map { channel in
            var subscription = Subscription(channel)
            self.readers[channel] = Reader(channel, client: self.index, cluster: self.cluster)
            if self.isLatest(channel) { subscription.interval = self.plan.interval }
            if let position = self.saved[channel] {
                subscription.start = .after(position.seq, epoch: position.epoch)
                self.readers[channel]?.resume(after: position.seq)
            } else if self.plan.fromStart, channel.hasPrefix("feed:") {
                subscription.start = .after(0, epoch: epoch)
                self.readers[channel]?.resume(after: 0)
            }
            return subscription
        }
        let backoff = Backoff(base: .milliseconds(100), cap: .seconds(2), stableAfter: .seconds(5))
        self.machine = Machine(wanted, hasToken: self.plan.user != nil, backoff: backoff, now: .now())
        self.perform(self.machine.start(at: self.moment))
    }

    private func isLatest(_ channel: String) -> Bool {
        channel.hasPrefix("price:") || channel.hasPrefix("purse:")
    }

    private var moment: Machine.Moment {
        let random = Double(self.random.number(0..<1_000)) / 1_000
        return Machine.Moment(now: .now(), wall: Int(Timestamp.now.nanoseconds / 1_000_000), random: random)
    }

    // MARK: - What the machine decides

    private func perform(_ outputs: [Machine.Output]) {
        for output in outputs { self.perform(output) }
        self.schedule()
    }

    private func perform(_ output: Machine.Output) {
        switch output {
        case .connect(let token): self.connect(token)
        case .askToken: self.askToken()
        case .send(let request, let id):
            if case .auth(let token) = request { self.tokens.append(token) }
            self.connection?.sendToHub(Array(request.encoded(id: id).readableBytesView))
        case .close(let ending):
            self.checkPace(ending)
            self.connection?.abandon()
            self.connection = nil
        case .status(_, .stopped(let ending)): self.stopped(ending)
        case .subscribed(let position, let head, let mode, _):
            self.readers[position.channel]?.subscribed(at: position.seq, head: head, mode: mode)
        case .event(let event), .snapshot(let event):
            if case .event = output {
                self.readers[event.channel]?.received(event)
            } else {
                self.readers[event.channel]?.receivedSnapshot(event)
            }
            let position = BroadtapeClient.Position(channel: event.channel, epoch: event.epoch, seq: event.seq)
            self.perform(self.machine.handled(position))
        case .gap(let gap): self.readers[gap.channel]?.missed(gap)
        case .refused(let channel, let code, let message):
            guard let user = self.plan.user, channel.hasSuffix(":\(user)") || channel.hasPrefix("feed:") else { break }
            Simulation.current.fail("client \(self.index) was refused \(channel): \(code), \(message)")
        case .save(let position): self.saved[position.channel] = position
        case .status, .caughtUp, .behind, .stale, .error: break
        }
    }

    private func connect(_ token: String?) {
        let node = self.random.one(of: self.cluster.nodes)
        let connection = SimulatedConnection(
            from: self,
            to: node,
            cluster: self.cluster,
            random: SeededRandom(seed: self.random.seed())
        )
        self.connection = connection
        self.isOpen = false
        self.token = token
        self.tokens = [token].compactMap(\.self)
        Simulation.current.after(self.random.time(self.cluster.networkDelay)) {
            guard node.state == .up else { return self.ended(connection, .unreachable("node \(node.index) is down")) }
            node.accept(connection)
        }
    }

    private func askToken() {
        guard let user = self.plan.user else { return }
        Simulation.current.after(self.random.time(0.001...0.05)) {
            self.perform(self.machine.tokenArrived(self.cluster.tokens.issue(to: user), at: self.moment))
        }
    }

    /// The machine does not connect again by itself; the application logs in again.
    private func stopped(_ ending: Ending) {
        Simulation.current.trace("client \(self.index) stops: \(ending)")
        self.connection = nil
        switch ending {
        case .violation, .handshake: Simulation.current.fail("client \(self.index) saw a broken protocol: \(ending)")
        default: Simulation.current.after(.seconds(1)) { self.perform(self.machine.reconnect(at: self.moment)) }
        }
    }

    private func schedule() {
        guard let wakeAt = self.machine.wakeAt else { return }
        let time = Int64(wakeAt.uptimeNanoseconds)
        if let timer, !timer.isCancelled, timer.time <= time, timer.time > Simulation.current.now { return }
        self.timer?.cancel()
        self.timer = Simulation.current.at(time) { self.timerFired(due: time) }
    }

    private func timerFired(due: Int64) {
        self.timer = nil
        guard !self.isAsleep else { return }
        self.perform(self.machine.wake(at: self.moment, late: .nanoseconds(Simulation.current.now - due)))
    }

    // MARK: - From the connection

    func opened(_ connection: SimulatedConnection) {
        guard connection === self.connection else { return }
        Simulation.current.trace("client \(self.index) is connected to node \(connection.node.index)")
        self.isOpen = true
        self.perform(self.machine.opened(at: self.moment))
        self.readable(connection)
    }

    func ended(_ connection: SimulatedConnection, _ ending: Ending) {
        guard connection === self.connection else { return }
        Simulation.current.trace("client \(self.index): \(ending)")
        self.connection = nil
        self.perform(self.machine.ended(ending, at: self.moment))
    }

    /// Something has arrived.
    func readable(_ connection: SimulatedConnection) {
        guard connection === self.connection, self.isOpen, !self.isAsleep, !self.isPaused, !self.isReading,
            connection.hasArrived
        else {
            return
        }
        self.isReading = true
        Simulation.current.after(self.plan.readTime) {
            self.isReading = false
            guard !self.isAsleep, !self.isPaused else { return }
            connection.read()
            if let connection = self.connection { self.readable(connection) }
        }
    }

    func received(_ bytes: [UInt8], written: Int64, over connection: SimulatedConnection) {
        guard connection === self.connection else { return }
        do throws(Message.Unreadable) {
            let message = try Message(bytes)
            self.checkAccess(message, written: written, over: connection)
            let seen = self.plan.isTrusting ? message.withoutHeads : message
            self.perform(self.machine.received(seen, at: self.moment))
        } catch {
            Simulation.current.fail("client \(self.index) cannot read a message: \(error)")
        }
    }

    // MARK: - Troubles

    func sleep(for length: Duration) {
        Simulation.current.trace("client \(self.index) falls asleep")
        self.isAsleep = true
        Simulation.current.after(length) {
            Simulation.current.trace("client \(self.index) wakes up")
            self.isAsleep = false
            self.idleUntil = Simulation.current.now
            self.timer?.cancel()
            self.timerFired(due: self.machine.wakeAt.map { Int64($0.uptimeNanoseconds) } ?? Simulation.current.now)
            if let connection = self.connection { self.readable(connection) }
        }
    }

    func pause(for length: Duration) {
        Simulation.current.trace("client \(self.index) stops reading")
        self.isPaused = true
        self.machine.listen(false, now: .now())
        Simulation.current.after(length) {
            Simulation.current.trace("client \(self.index) reads on")
            self.isPaused = false
            self.idleUntil = Simulation.current.now
            self.machine.listen(true, now: .now())
            self.schedule()
            if let connection = self.connection { self.readable(connection) }
        }
    }

    func cut() {
        Simulation.current.trace("the connection of client \(self.index) breaks")
        self.connection?.cut()
    }

    func restart() {
        Simulation.current.trace("client \(self.index) restarts")
        self.connection?.abandon()
        self.connection = nil
        self.timer?.cancel()
        self.start()
    }

    func leave(_ channel: String, for length: Duration) {
        Simulation.current.trace("client \(self.index) leaves \(channel)")
        self.readers[channel] = nil
        self.perform(self.machine.unsubscribe(channel))
        Simulation.current.after(length) {
            guard self.readers[channel] == nil else { return }
            Simulation.current.trace("client \(self.index) subscribes to \(channel) again")
            self.readers[channel] = Reader(channel, client: self.index, cluster: self.cluster)
            self.perform(self.machine.subscribe(Subscription(channel)))
        }
    }

    // MARK: - Checks

    /// Nobody sees what is not theirs, or what their tokens no longer allow.
    private func checkAccess(_ message: Message, written: Int64, over connection: SimulatedConnection) {
        guard case .event(let event) = message, event.type == "note" || event.type == "purse" else { return }
        guard event.key == self.plan.user else {
            return Simulation.current.fail(
                "client \(self.index) of \(self.plan.user ?? "nobody") sees \(event.channel)"
            )
        }
        guard connection.node.isHealthy(for: .seconds(1.3), before: written) else { return }
        let late = Duration.seconds(1.3).nanoseconds
        let parts = self.tokens.compactMap(Tokens.parts(of:))
        let start = Timestamp.now.nanoseconds - Simulation.current.now
        if let end = parts.map(\.expires.nanoseconds).max(), written + start > end + late {
            Simulation.current.fail("client \(self.index) sees \(event.channel) after its token has expired")
        }
        if let revoked = self.cluster.tokens.revoked[event.key], written > revoked + late,
            let issued = parts.map(\.issued.nanoseconds).max(), issued < revoked + start - late
        {
            Simulation.current.fail("client \(self.index) sees \(event.channel) after its token was revoked")
        }
    }

    /// A node that knows that a client is behind sends what is missing, unless something delays it.
    private func checkPace(_ ending: Ending) {
        let length = Duration.seconds(4)
        let now = Simulation.current.now
        guard case .stuck = ending, let connection, connection.node.isHealthy(for: length, before: now),
            self.cluster.isNetworkFast(for: length), now > self.idleUntil + length.nanoseconds,
            self.plan.readTime < .milliseconds(1)
        else { return }
        Simulation.current.fail("client \(self.index): \(ending)")
    }

    /// What keeps the client from having everything; nil for nothing.
    var lack: String? {
        guard self.connection != nil, self.isOpen else { return "client \(self.index) is not connected" }
        for channel in self.plan.channels {
            let key = channel.drop { $0 != ":" }.dropFirst()
            guard !self.isPrivate(channel) || key == self.plan.user ?? "" else { continue }
            if let lack = self.readers[channel]?.lack { return "client \(self.index): \(lack)" }
        }
        return nil
    }

    private func isPrivate(_ channel: String) -> Bool {
        channel.hasPrefix("note:") || channel.hasPrefix("purse:")
    }
}

extension Message {
    /// The message without the heads, from which a client learns that it is behind.
    fileprivate var withoutHeads: Message {
        switch self {
        case .heartbeat(_, let isPaused, let stale):
            return .heartbeat(heads: [:], isPaused: isPaused, stale: stale)
        case .subscribed(var answer) where answer.mode == .resumed:
            answer.head = 0
            return .subscribed(answer)
        default:
            return self
        }
    }
}
