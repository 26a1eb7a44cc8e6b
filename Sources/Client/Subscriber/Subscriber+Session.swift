// SPDX-License-Identifier: Apache-2.0

package import NIOCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What happens on a connection. All of it on the subscriber's loop, which is the connection's.
extension Subscriber: ConnectionReceiver {
    package nonisolated func connectionOpened() {
        self.assumeIsolated { $0.opened(now: .now()) }
    }

    package nonisolated func connectionReceived(_ text: ByteBuffer) {
        self.assumeIsolated { $0.received(text, now: .now()) }
    }

    package nonisolated func connectionEnded(_ ending: Ending) {
        self.assumeIsolated { $0.connectionHasEnded(ending) }
    }
}

extension Subscriber {
    /// Silence after which a connection counts as dead, in half heartbeats.
    private static let silence = 5

    private func opened(now: NIODeadline) {
        self.course.opened(now: now)
        self.listeningSince = now
        self.lastSignOfLife = now
        self.send(self.tracks.sessionStarted(now: now))
        self.startTicking()
    }

    private func send(_ outgoing: [Tracks.Outgoing]) {
        for outgoing in outgoing {
            self.connection?.send(outgoing.request.encoded(id: outgoing.id))
        }
    }

    private func received(_ text: ByteBuffer, now: NIODeadline) {
        do throws(Message.Unreadable) {
            self.received(try Message(text), now: now)
        } catch {
            self.connection?.abandon(.violation(error.description))
        }
    }

    private func received(_ message: Message, now: NIODeadline) {
        switch message {
        case .event(let event):
            switch self.tracks.event(event, now: now) {
            case .deliver(let event):
                self.push(.event(event))
            case .deliverAfter(let gap, let event):
                self.push(.gap(gap))
                self.push(.event(event))
            case .drop:
                break
            }
        case .snapshot(let event):
            if let event = self.tracks.snapshot(event, now: now) { self.push(.snapshot(event)) }
        case .subscribed(let answer):
            self.tracks.subscribed(answer).forEach { self.push($0) }
        case .caughtUp(let channel, let seq):
            self.push(.caughtUp(channel: channel, seq: seq))
        case .heartbeat(let heads, _, _):
            self.tracks.heartbeat(heads, now: now)
        case .welcome(let welcome):
            self.heartbeat = .milliseconds(Int64(min(max(welcome.heartbeatMilliseconds, 1), 3_600_000)))
            self.startTicking()
            self.push(.connected(session: welcome.session, node: welcome.node))
        case .authenticated(let answer):
            self.scheduleRefresh(expires: answer.expires)
            self.push(.authenticated(user: answer.user))
        case .error(let fault):
            self.received(fault, now: now)
        case .goodbye(_, let reconnectAfter):
            self.course.goodbye(reconnectAfter: .milliseconds(Int64(reconnectAfter)))
        case .unsubscribed, .history, .published, .pong, .unknown:
            break
        }
    }

    private func received(_ fault: Message.Fault, now: NIODeadline) {
        switch self.tracks.fault(fault, now: now, random: .random(in: 0...1)) {
        case .restart(let gap, let outgoing):
            self.push(.gap(gap))
            self.send(outgoing)
        case .refused(let channel):
            self.push(.refused(channel: channel, code: fault.code, message: fault.message))
            if self.tracks.isExhausted {
                self.closeForGood(.nothingToRead(code: fault.code, message: fault.message))
            }
        case .notice:
            self.push(.notice(code: fault.code, message: fault.message))
        case .postponed:
            break
        }
    }

    /// The session is over: nothing of it may go on.
    func sessionEnded() {
        self.ticker?.cancel()
        self.ticker = nil
        self.refresh?.cancel()
        self.refresh = nil
        self.tracks.sessionEnded()
    }

    /// Reads on after a pause.
    func readOn() {
        guard let connection = self.connection, connection.isPaused else { return }
        let now = NIODeadline.now()
        self.listeningSince = now
        self.tracks.listen(now: now)
        connection.resume()
    }

    // MARK: - By the clock

    private func startTicking() {
        self.ticker?.cancel()
        let delay = min(max(self.heartbeat.halved(times: 2), .milliseconds(10)), .seconds(1))
        self.ticker = self.loop.scheduleRepeatedTask(initialDelay: delay, delay: delay) { _ in
            self.assumeIsolated { $0.tick(now: .now()) }
        }
    }

    private func tick(now: NIODeadline) {
        guard let connection = self.connection, connection.isOpen else { return }
        self.send(self.tracks.overdue(now: now))
        guard !connection.isPaused else {
            // The hub takes a client for dead that says nothing, and pings do not reach one that does not read.
            if now - self.lastSignOfLife >= self.heartbeat.halved(times: 1) {
                self.lastSignOfLife = now
                connection.sendSignOfLife()
            }
            return
        }
        let silence = now - max(connection.lastHeard, self.listeningSince)
        if silence > (Self.silence * self.heartbeat).halved(times: 1) {
            connection.abandon(.silent(milliseconds: Int(silence.nanoseconds / 1_000_000)))
        } else if let channel = self.tracks.stuck(now: now, heartbeat: self.heartbeat) {
            connection.abandon(.stuck(channel: channel))
        }
    }

    // MARK: - Tokens

    private func scheduleRefresh(expires: String?) {
        self.refresh?.cancel()
        self.refresh = nil
        guard self.token != nil, let expires, let delay = Expiry.refreshDelay(expires: expires, now: Self.wallClock())
        else { return }
        self.refresh = self.loop.scheduleTask(in: .milliseconds(Int64(delay))) {
            self.assumeIsolated { $0.refreshIsDue() }
        }
    }

    private func refreshIsDue() {
        self.needsToken = true
        self.wake()
    }

    /// Replaces the token of the open session.
    ///
    /// If that does not work out, the hub will close with 4005 and the next connect asks for a token again.
    func refreshToken() async {
        guard let token = try? await self.token?(), token != self.presentToken else { return }
        self.presentToken = token
        self.connection?.send(Request.auth(token: token).encoded(id: 0))
    }

    /// Milliseconds since 1970.
    private static func wallClock() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
    }
}

extension TimeAmount {
    fileprivate func halved(times: Int64) -> TimeAmount {
        .nanoseconds(self.nanoseconds >> times)
    }
}
