// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// A subscriber without its input and output: events go in, actions and reports come out.
///
/// A value that the vectors in Tests/Vectors drive, as they drive its counterpart in broadtape.js: both behave alike.
package struct Machine: Sendable {
    enum Phase: Sendable, Equatable {
        /// Not started. → `asking`, `connecting`
        case idle
        /// Waiting for a token. → `connecting`, `waiting`, `offline`, `closed`
        case asking
        /// Connecting. → `open`, `waiting`, `offline`, `closed`
        case connecting(until: NIODeadline)
        /// Connected. → `waiting`, `offline`, `closed`
        case open
        /// Waiting before the next attempt. → `asking`, `connecting`, `offline`
        case waiting(until: NIODeadline)
        /// There is no network. → `waiting`, `asking`, `connecting`
        case offline(until: NIODeadline)
        /// For good, or until the application wants to reconnect. → `asking`, `connecting`
        case closed
    }

    /// For TCP, TLS and the upgrade together.
    private static let connectLimit = TimeAmount.seconds(10)

    private(set) var phase = Phase.idle
    private(set) var tracks: Tracks
    private var reconnectState: ReconnectState
    private var liveness: LivenessCheck
    private var status = Status(state: .connecting, attempt: 0)
    private let hasToken: Bool
    private let backoff: Backoff
    private var token: String?
    private var isRefreshing = false
    private var refreshAt: NIODeadline?
    private var isOffline = false
    /// Whether messages of the hub are being read.
    private var isListening = true

    package init(_ wanted: [Subscription], hasToken: Bool, backoff: Backoff, now: NIODeadline) {
        self.tracks = Tracks(wanted, backoff: backoff)
        self.reconnectState = ReconnectState(backoff: backoff)
        self.liveness = LivenessCheck(now: now)
        self.hasToken = hasToken
        self.backoff = backoff
    }

    /// Whether a connection that is being opened is still needed.
    var awaitsConnection: Bool { if case .connecting = self.phase { true } else { false } }

    var heartbeat: TimeAmount { self.liveness.heartbeat }

    /// When to call ``wake(at:late:)``; nil for never.
    package var wakeAt: NIODeadline? {
        switch self.phase {
        case .waiting(let until), .connecting(let until):
            return until
        case .open:
            var times = [self.refreshAt, self.tracks.due].compactMap { $0 }
            if self.isListening {
                times.append(self.liveness.due)
                if !self.status.isPaused, let stuck = self.tracks.stuckAt(heartbeat: self.heartbeat) {
                    times.append(stuck)
                }
            }
            return times.min()
        case .idle, .asking, .offline, .closed:
            return nil
        }
    }

    // MARK: - From the application

    package mutating func start(at moment: Moment) -> [Output] {
        guard self.phase == .idle else { return [] }
        return self.connect(at: moment)
    }

    package mutating func close() -> [Output] {
        guard self.phase != .closed else { return [] }
        let outputs = self.dropped
        self.sessionEnded()
        self.phase = .closed
        return outputs + [self.report(.closed, .closed)]
    }

    /// Reconnects at once, also after the end.
    package mutating func reconnect(at moment: Moment) -> [Output] {
        let outputs = self.dropped
        self.sessionEnded()
        if self.phase == .closed {
            self.reconnectState = ReconnectState(backoff: self.backoff)
            self.status.attempt = 0
        }
        return outputs + self.connect(at: moment)
    }

    package mutating func subscribe(_ subscription: Subscription) -> [Output] {
        var outputs: [Output] = []
        self.tracks.subscribe(subscription, isOpen: self.phase == .open, into: &outputs)
        return outputs
    }

    package mutating func unsubscribe(_ channel: String) -> [Output] {
        var outputs: [Output] = []
        self.tracks.unsubscribe(channel, isOpen: self.phase == .open, into: &outputs)
        return outputs
    }

    /// The application has handled an event.
    package mutating func handled(_ position: Position) -> [Output] {
        self.tracks.handled(position).map { [.save($0)] } ?? []
    }

    /// The application could not handle an event of a channel.
    mutating func failed(_ channel: String) {
        self.tracks.failed(channel)
    }

    package mutating func tokenArrived(_ token: String, at moment: Moment) -> [Output] {
        if self.phase == .asking { return [self.dial(token, at: moment)] }
        guard self.phase == .open, self.isRefreshing else { return [] }
        self.isRefreshing = false
        guard token != self.token else { return [] }
        self.token = token
        return [.send(.auth(token: token), id: self.tracks.nextID())]
    }

    mutating func tokenFailed(_ reason: String, at moment: Moment) -> [Output] {
        // The present token of an open session is used until the hub closes; then the provider is called again.
        self.isRefreshing = false
        return self.phase == .asking ? self.lost(.noToken(reason), at: moment) : []
    }

    // MARK: - From the host

    mutating func offline(at moment: Moment) -> [Output] {
        self.isOffline = true
        switch self.phase {
        case .waiting(let until):
            self.phase = .offline(until: until)
            return [self.report(.offline, .hostChanged)]
        case .open:
            // A network change does not end every connection: it has to answer.
            return [self.probe(at: moment)]
        case .idle, .asking, .connecting, .offline, .closed:
            return []
        }
    }

    mutating func online(at moment: Moment) -> [Output] {
        self.isOffline = false
        return self.woke(at: moment)
    }

    /// The application is visible again, or the machine was asleep.
    mutating func woke(at moment: Moment) -> [Output] {
        let soon = moment.now + self.backoff.delay(failures: 1, random: moment.random)
        let until: NIODeadline
        switch self.phase {
        case .open:
            return [self.probe(at: moment)]
        case .offline(let end) where !self.isOffline:
            // A time that the hub has chosen remains.
            until = self.reconnectState.isHinted ? max(end, moment.now) : soon
        case .waiting(let end):
            guard !self.reconnectState.isHinted, soon < end else { return [] }
            until = soon
        case .idle, .asking, .connecting, .offline, .closed:
            return []
        }
        self.phase = .waiting(until: until)
        return [self.report(.waiting, .hostChanged, retryIn: until - moment.now)]
    }

    /// Reading is paused, or resumed.
    package mutating func listen(_ isListening: Bool, now: NIODeadline) {
        self.isListening = isListening
        guard isListening else { return }
        self.liveness.heard(now: now)
        self.tracks.listen(now: now)
    }

    /// Bytes arrived, though not yet a message.
    mutating func heard(now: NIODeadline) {
        if now > self.liveness.lastHeard { self.liveness.heard(now: now) }
    }

    /// - Parameter late: How much later the call is than ``wakeAt``: a process that was asleep received nothing.
    package mutating func wake(at moment: Moment, late: TimeAmount = .zero) -> [Output] {
        switch self.phase {
        case .waiting(let until):
            return moment.now >= until ? self.connect(at: moment) : []
        case .connecting(let until):
            guard moment.now >= until else { return [] }
            return self.giveUp(.timedOut(milliseconds: Self.connectLimit.milliseconds), at: moment)
        case .open:
            return self.tick(at: moment, late: late)
        case .idle, .asking, .offline, .closed:
            return []
        }
    }

    // MARK: - From the connection

    package mutating func opened(at moment: Moment) -> [Output] {
        guard case .connecting = self.phase else { return [] }
        self.phase = .open
        self.isListening = true
        self.reconnectState.opened(now: moment.now)
        self.liveness = LivenessCheck(now: moment.now)
        var outputs: [Output] = []
        self.tracks.sessionStarted(now: moment.now, into: &outputs)
        return outputs
    }

    package mutating func ended(_ ending: Ending, at moment: Moment) -> [Output] {
        switch self.phase {
        case .connecting, .open: return self.lost(ending, at: moment)
        case .idle, .asking, .waiting, .offline, .closed: return []
        }
    }

    /// A text message that cannot be read.
    package mutating func received(_ unreadable: Message.Unreadable, at moment: Moment) -> [Output] {
        self.phase == .open ? self.giveUp(.violation(unreadable.description), at: moment) : []
    }

    package mutating func received(_ message: Message, at moment: Moment) -> [Output] {
        guard self.phase == .open else { return [] }
        self.liveness.heard(now: moment.now)
        var outputs: [Output] = []
        switch message {
        case .event(let event):
            self.tracks.event(event, now: moment.now, into: &outputs)
        case .snapshot(let event):
            self.tracks.snapshot(event, now: moment.now, into: &outputs)
        case .subscribed(let answer):
            self.tracks.subscribed(answer, now: moment.now, into: &outputs)
        case .caughtUp(let channel, let seq):
            self.tracks.caughtUp(channel, seq: seq, into: &outputs)
        case .heartbeat(let heads, let isPaused, let stale):
            // Another connection would not progress either: the wait starts when the hub can commit again.
            if self.status.isPaused, !isPaused { self.tracks.listen(now: moment.now) }
            self.tracks.heartbeat(heads, now: moment.now, into: &outputs)
            self.noticed(isPaused: isPaused, stale: stale, into: &outputs)
        case .welcome(let welcome):
            self.liveness.setHeartbeat(milliseconds: welcome.heartbeatMilliseconds)
            self.status.session = welcome.session
            self.status.node = welcome.node
            outputs.append(self.report(.live, .welcomed))
        case .authenticated(let answer):
            self.status.user = answer.user
            self.scheduleRefresh(expires: answer.expires, at: moment)
            outputs.append(self.report(.live, .authenticated))
        case .error(let fault):
            self.tracks.fault(fault, at: moment, into: &outputs)
        case .goodbye(_, let reconnectAfter):
            self.reconnectState.goodbye(reconnectAfter: .milliseconds(Int64(clamping: min(reconnectAfter, 3_600_000))))
        case .unsubscribed, .history, .published, .pong, .unknown:
            break
        }
        return outputs
    }

    private mutating func noticed(isPaused: Bool, stale: [String], into outputs: inout [Output]) {
        let isStaleNew = stale != self.status.stale
        guard isStaleNew || isPaused != self.status.isPaused else { return }
        self.status.isPaused = isPaused
        self.status.stale = stale
        outputs.append(self.report(.live, .noticed))
        if isStaleNew { outputs.append(.stale(stale)) }
    }

    private mutating func scheduleRefresh(expires: String?, at moment: Moment) {
        self.refreshAt = nil
        guard self.hasToken, let expires, let delay = Expiry.refreshDelay(expires: expires, now: moment.wall) else {
            return
        }
        self.refreshAt = moment.now + .milliseconds(Int64(clamping: delay))
    }

    // MARK: - Transitions

    private mutating func connect(at moment: Moment) -> [Output] {
        let status = self.report(.connecting, .connecting)
        guard self.hasToken else { return [status, self.dial(nil, at: moment)] }
        self.phase = .asking
        return [status, .askToken(refresh: false)]
    }

    private mutating func dial(_ token: String?, at moment: Moment) -> Output {
        self.token = token
        self.reconnectState.connecting()
        self.phase = .connecting(until: moment.now + Self.connectLimit)
        return .connect(token: token)
    }

    /// What happens to the present connection when the application no longer needs it.
    private var dropped: [Output] {
        switch self.phase {
        case .connecting, .open: [.close(.closed(code: 1000, reason: ""))]
        case .idle, .asking, .waiting, .offline, .closed: []
        }
    }

    private mutating func giveUp(_ ending: Ending, at moment: Moment) -> [Output] {
        [.close(ending)] + self.lost(ending, at: moment)
    }

    private mutating func lost(_ ending: Ending, at moment: Moment) -> [Output] {
        self.sessionEnded()
        let delay: TimeAmount
        switch self.reconnectState.ended(ending, now: moment.now, random: moment.random) {
        case .stop(let ending):
            self.phase = .closed
            return [self.report(.closed, .stopped(ending))]
        case .wait(let time):
            delay = time
        }
        self.status.attempt = self.reconnectState.failures
        let until = moment.now + delay
        guard self.isOffline else {
            self.phase = .waiting(until: until)
            return [self.report(.waiting, .lost(ending), retryIn: delay)]
        }
        self.phase = .offline(until: until)
        return [self.report(.offline, .lost(ending))]
    }

    private mutating func sessionEnded() {
        self.tracks.sessionEnded()
        self.refreshAt = nil
        self.isRefreshing = false
        self.status.session = nil
        self.status.node = nil
        self.status.user = nil
        self.status.isPaused = false
    }

    private mutating func report(
        _ state: Status.State,
        _ occasion: Status.Occasion,
        retryIn: TimeAmount? = nil
    ) -> Output {
        self.status.state = state
        self.status.retryIn = retryIn
        return .status(self.status, occasion)
    }

    /// Sends the hub a ping; any message counts as an answer.
    private mutating func probe(at moment: Moment) -> Output {
        self.liveness.probing(now: moment.now)
        return .send(.ping, id: self.tracks.nextID())
    }

    private mutating func tick(at moment: Moment, late: TimeAmount) -> [Output] {
        var outputs: [Output] = []
        if self.isListening, self.liveness.wasAsleep(late: late) {
            self.tracks.listen(now: moment.now)
            outputs.append(self.probe(at: moment))
        }
        if let refreshAt, moment.now >= refreshAt {
            self.refreshAt = nil
            self.isRefreshing = true
            outputs.append(.askToken(refresh: true))
        }
        self.tracks.tick(now: moment.now, into: &outputs)
        guard self.isListening else { return outputs }
        switch self.liveness.tick(now: moment.now) {
        case .nothing:
            break
        case .probe:
            outputs.append(self.probe(at: moment))
        case .giveUp(let silence):
            return outputs + self.giveUp(.silent(milliseconds: silence.milliseconds), at: moment)
        }
        if !self.status.isPaused, let channel = self.tracks.stuck(now: moment.now, heartbeat: self.heartbeat) {
            return outputs + self.giveUp(.stuck(channel: channel), at: moment)
        }
        return outputs
    }
}

extension TimeAmount {
    /// Whole milliseconds.
    var milliseconds: Int { Int(self.nanoseconds / 1_000_000) }
}
