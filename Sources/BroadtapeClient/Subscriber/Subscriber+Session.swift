// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What happens on a connection. All of it on the subscriber's loop, which is the connection's.
extension Subscriber: ConnectionReceiver {
    package nonisolated func connectionOpened() {
        self.assumeIsolated { $0.opened() }
    }

    package nonisolated func connectionReceived(_ text: ByteBuffer) {
        self.assumeIsolated { $0.received(text) }
    }

    package nonisolated func connectionEnded(_ ending: Ending) {
        self.assumeIsolated { $0.connectionHasEnded(ending) }
    }
}

/// Doing what the machine decides.
extension Subscriber {
    var moment: Machine.Moment {
        Machine.Moment(now: .now(), wall: Self.wallClock(), random: .random(in: 0...1))
    }

    /// Milliseconds since 1970.
    private static func wallClock() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
    }

    private func opened() {
        self.perform(self.machine.opened(at: self.moment))
        // What came before it was open may have filled the queue.
        if self.keepAlive != nil {
            self.machine.listen(false, now: .now())
        } else if !self.hasRoom {
            self.pause()
        }
    }

    private func received(_ text: ByteBuffer) {
        do throws(Message.Unreadable) {
            self.perform(self.machine.received(try Message(text), at: self.moment))
        } catch {
            self.perform(self.machine.received(error, at: self.moment))
        }
    }

    private func connectionHasEnded(_ ending: Ending) {
        self.connection = nil
        self.stopKeepAlive()
        guard !self.isGivingUp else { return }
        self.perform(self.machine.ended(self.ownEnding ?? ending, at: self.moment))
        if self.isCancelled { self.wake() }
    }

    func perform(_ outputs: [Machine.Output]) {
        for output in outputs { self.perform(output) }
        self.schedule()
    }

    private func perform(_ output: Machine.Output) {
        switch output {
        case .connect(let token):
            self.connecting = .some(token)
            self.wake()
        case .askToken:
            self.needsToken = true
            self.wake()
        case .send(let request, let id):
            self.connection?.send(request.encoded(id: id))
        case .close(let ending):
            self.connecting = nil
            // It reports its end at once, which must not be mistaken for that of the next connection.
            self.isGivingUp = true
            self.connection?.abandon(ending)
            self.isGivingUp = false
        case .status(let status, let occasion):
            self.tell(status, occasion)
        case .subscribed(let position, _, let mode, _):
            self.push(.subscribed(position, mode: Update.Mode(mode)))
        case .event(let event):
            self.push(.event(event))
        case .snapshot(let event):
            self.push(.snapshot(event))
        case .caughtUp(let channel, let seq):
            self.push(.caughtUp(channel: channel, seq: seq))
        case .gap(let gap):
            self.push(.gap(gap))
        case .behind(let channel, let isBehind, let head, let seq):
            self.push(.behind(channel: channel, isBehind: isBehind, head: head, seq: seq))
        case .stale(let sources):
            self.push(.stale(sources))
        case .refused(let channel, let code, let message):
            self.push(.refused(channel: channel, code: code, message: message))
            guard self.machine.tracks.isExhausted, self.awaitingCursors.isEmpty else { return }
            self.ownEnding = .nothingToRead(code: code, message: message)
            self.connection?.close()
        case .error(let code, let message, _):
            self.push(.notice(code: code, message: message))
        case .save(let position):
            self.unsaved[ExactText(position.channel)] = position
            self.wake()
        }
    }

    private func tell(_ status: Status, _ occasion: Status.Occasion) {
        switch occasion {
        case .welcomed:
            self.push(.connected(session: status.session ?? "", node: status.node ?? ""))
        case .authenticated:
            self.user = status.user
            self.push(.authenticated(user: status.user ?? ""))
            self.wake()
        case .noticed:
            guard status.isPaused != self.isPaused else { return }
            self.isPaused = status.isPaused
            self.push(.paused(status.isPaused))
        case .lost(let ending):
            self.isPaused = false
            self.push(.disconnected(ending, retryInMilliseconds: status.retryIn?.milliseconds ?? 0))
        case .stopped(let ending):
            self.ending = ending
            self.wake()
        case .connecting, .hostChanged, .closed:
            break
        }
    }

    // MARK: - The clock

    /// Sets the timer. One that comes too early is set again; setting it for every message would cost more.
    ///
    /// Not without a connection while the consumer is behind: attempts to connect create updates too.
    func schedule() {
        guard self.hasRoom || self.connection != nil, let wakeAt = self.machine.wakeAt else { return }
        if let timerAt = self.timerAt, timerAt <= wakeAt { return }
        self.timer?.cancel()
        self.timerAt = wakeAt
        self.timer = self.loop.scheduleTask(deadline: wakeAt) {
            self.assumeIsolated { $0.timerFired() }
        }
    }

    private func timerFired() {
        guard let due = self.timerAt else { return }
        self.timer = nil
        self.timerAt = nil
        let moment = self.moment
        if let connection = self.connection { self.machine.heard(now: connection.lastHeard) }
        self.perform(self.machine.wake(at: moment, late: moment.now - due))
    }

    func stopTimers() {
        self.timer?.cancel()
        self.timer = nil
        self.timerAt = nil
        self.stopKeepAlive()
    }

    // MARK: - Consumers that do not keep up

    /// Nothing is read until the consumer has received what is queued.
    func pause() {
        guard let connection = self.connection, self.keepAlive == nil else { return }
        connection.pause()
        self.machine.listen(false, now: .now())
        // The hub considers a silent client dead, and pings do not reach one that does not read.
        let delay = TimeAmount.nanoseconds(self.machine.heartbeat.nanoseconds / 2)
        self.keepAlive = self.loop.scheduleRepeatedTask(initialDelay: delay, delay: delay) { _ in
            self.assumeIsolated { $0.connection?.sendKeepAlive() }
        }
    }

    /// Resumes reading after a pause.
    func readOn() {
        guard let connection = self.connection, connection.isPaused else { return }
        self.stopKeepAlive()
        self.machine.listen(true, now: .now())
        connection.resume()
    }

    private func stopKeepAlive() {
        self.keepAlive?.cancel()
        self.keepAlive = nil
    }
}

extension Update.Mode {
    fileprivate init(_ mode: Message.Mode) {
        switch mode {
        case .live: self = .live
        case .snapshot: self = .snapshot
        case .resumed: self = .resumed
        }
    }
}
