// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// State machine of one exchange's WebSocket: when to connect, what to send, when to close a connection, and when to
/// poll REST instead. Time and randomness are parameters.
///
/// Connections are numbered. Events of any other than the current ones are ignored.
package struct FeedMachine: Sendable {
    /// Parameters that depend on the exchange.
    package struct Rules: Sendable {
        /// Messages sent in this order on every connection.
        package var subscriptions: [String]
        package var messageInterval: Duration
        /// Sent when nothing was received for half of ``silence``.
        package var probe: String?
        /// Time without a message after which a connection counts as dead.
        package var silence: Duration
        /// Time without a quote after which REST is polled.
        package var quiet: Duration
        package var lifetime: Duration?
        package var retry: ClosedRange<Duration>
        /// Lifetime after which the end of a connection does not count as a failure.
        package var settled: Duration = .seconds(60)

        package init(_ exchange: Exchange) {
            self.subscriptions = exchange.dialect.subscriptions(to: exchange.symbols, withBook: exchange.hasBook)
            self.messageInterval = exchange.dialect.messageInterval
            self.probe = exchange.dialect.probe
            self.silence = exchange.silence
            self.quiet = exchange.staleAfter / 2
            self.lifetime = exchange.lifetime
            self.retry = exchange.retry
        }
    }

    package enum Action: Sendable, Equatable {
        case connect(Int)
        case send(Int, String)
        /// With a closing handshake.
        case close(Int)
        /// Without a closing handshake: the peer counts as dead.
        case abandon(Int)
    }

    private struct Line: Sendable {
        var number: Int
        /// When the upgrade completed.
        var opened: Timestamp?
        var heard: Timestamp
        var quoted: Timestamp?
        /// Messages still to be sent, and the earliest time of the next one.
        var unsent: ArraySlice<String> = []
        var nextSend: Timestamp
        var isProbed = false
        /// The exchange has announced that it will close the connection.
        var isLeaving = false

        init(_ number: Int, at now: Timestamp) {
            self.number = number
            self.heard = now
            self.nextSend = now
        }
    }

    private enum Phase: Sendable {
        /// Not started, or stopped. → `attempting`
        case idle
        /// Waits until the given time. → `attempting`
        case waiting(until: Timestamp)
        /// Connecting and subscribing; no quote has been received. → `open`, `waiting`
        case attempting(Line)
        /// Receiving quotes. → `renewing`, `waiting`
        case open(Line)
        /// The old connection serves until the new one receives quotes. → `open`, `attempting`, `waiting`
        case renewing(old: Line, next: Line)
        /// The old connection serves until the next attempt. → `renewing`, `waiting`
        case keeping(old: Line, until: Timestamp)
    }

    /// A connection must receive a quote within this multiple of ``Rules/silence``.
    private static let patience = 3
    /// Consecutive REST answers with new content while the WebSocket is silent.
    private static let missesAllowed = 2

    private let rules: Rules
    private var phase = Phase.idle
    private var lastNumber = 0
    /// Consecutive attempts without a lasting connection.
    private(set) package var failures = 0
    private var started: Timestamp?
    private var misses = 0

    package init(rules: Rules) {
        self.rules = rules
    }

    // MARK: - Events

    package mutating func started(at now: Timestamp) -> [Action] {
        guard case .idle = self.phase else { return [] }
        self.started = now
        return self.attempt(at: now)
    }

    /// A connection is ready for messages.
    package mutating func opened(_ number: Int, at now: Timestamp) -> [Action] {
        let messages = self.rules.subscriptions
        let isKnown = self.change(number) { line in
            line.opened = now
            line.heard = now
            line.nextSend = now
            line.unsent = messages[...]
        }
        return isKnown ? self.passed(at: now) : [.abandon(number)]
    }

    /// A message was received.
    /// - Parameters:
    ///   - isQuote: Whether it contains a usable quote.
    ///   - isLeaving: Whether it announces that the exchange will close the connection.
    package mutating func received(_ number: Int, isQuote: Bool, isLeaving: Bool, at now: Timestamp) -> [Action] {
        let isKnown = self.change(number) { line in
            line.heard = now
            line.isProbed = false
            if isQuote { line.quoted = now }
            if isLeaving { line.isLeaving = true }
        }
        guard isKnown else { return [] }
        var actions: [Action] = []
        if isQuote {
            self.misses = 0
            switch self.phase {
            case .attempting(let line):
                self.phase = .open(line)
            case .renewing(let old, let next) where next.number == number:
                self.phase = .open(next)
                actions.append(.close(old.number))
            case .idle, .waiting, .open, .renewing, .keeping:
                break
            }
        }
        return actions + self.passed(at: now)
    }

    /// A connection was closed, or could not be established.
    /// - Parameters:
    ///   - retryAfter: Delay requested by the exchange.
    ///   - chance: Random number from 0 to 1.
    package mutating func ended(
        _ number: Int,
        retryAfter: Duration? = nil,
        at now: Timestamp,
        chance: Double
    ) -> [Action] {
        switch self.phase {
        case .attempting(let line) where line.number == number:
            self.phase = .waiting(until: self.nextAttempt(after: line, retryAfter, now, chance))
        case .open(let line) where line.number == number:
            self.phase = .waiting(until: self.nextAttempt(after: line, retryAfter, now, chance))
        case .renewing(let old, let next) where next.number == number:
            self.phase = .keeping(old: old, until: self.nextAttempt(after: next, retryAfter, now, chance))
        case .renewing(let old, let next) where old.number == number:
            self.phase = .attempting(next)
        case .keeping(let old, let until) where old.number == number:
            self.phase = .waiting(until: until)
        case .idle, .waiting, .attempting, .open, .renewing, .keeping:
            return []
        }
        return self.passed(at: now)
    }

    /// REST has answered.
    /// - Parameter isNews: Whether the answer has a rate that the WebSocket had not reported.
    package mutating func polled(isNews: Bool, at now: Timestamp, chance: Double) -> [Action] {
        guard case .open(let line) = self.phase else { return [] }
        guard isNews else {
            self.misses = 0
            return []
        }
        self.misses += 1
        guard self.misses >= Self.missesAllowed else { return [] }
        self.misses = 0
        // The connection is alive, but does not send what was subscribed.
        return self.giveUp(line, at: now, chance: chance)
    }

    /// Advances the time: to be called at ``deadline``.
    package mutating func passed(at now: Timestamp, chance: Double = 1) -> [Action] {
        switch self.phase {
        case .idle:
            return []
        case .waiting(let until):
            return now < until ? [] : self.attempt(at: now)
        case .attempting(let line):
            guard !self.isDead(line, at: now) else { return self.giveUp(line, at: now, chance: chance) }
            return self.say(line.number, at: now)
        case .open(let line):
            guard !self.isDead(line, at: now) else { return self.giveUp(line, at: now, chance: chance) }
            guard let end = self.renewal(of: line), now >= end else { return self.say(line.number, at: now) }
            return self.attempt(at: now)
        case .renewing(let old, let next):
            // Checks the old connection too, if it still exists.
            guard !self.isDead(next, at: now) else { return self.giveUp(next, at: now, chance: chance) }
            let actions = self.say(next.number, at: now)
            return self.isDead(old, at: now) ? actions + self.giveUp(old, at: now, chance: chance) : actions
        case .keeping(let old, let until):
            guard !self.isDead(old, at: now) else { return self.giveUp(old, at: now, chance: chance) }
            return now < until ? self.say(old.number, at: now) : self.attempt(at: now)
        }
    }

    package mutating func stopped() -> [Action] {
        defer { self.phase = .idle }
        return self.lines.map { .close($0.number) }
    }

    // MARK: - Queries

    /// When to call ``passed(at:chance:)`` next.
    package var deadline: Timestamp? {
        var times = self.lines.flatMap { line in self.deadlines(of: line) }
        switch self.phase {
        case .waiting(let until), .keeping(_, let until): times.append(until)
        case .open(let line): if let end = self.renewal(of: line) { times.append(end) }
        case .idle, .attempting, .renewing: break
        }
        return times.min()
    }

    /// Whether REST is to be polled.
    package func isPolling(at now: Timestamp) -> Bool {
        switch self.phase {
        case .idle: return false
        case .waiting, .attempting:
            // At the start the WebSocket gets a moment.
            return self.failures > 0 || self.started.map { now >= $0.advanced(by: self.rules.quiet) } ?? true
        case .open(let line), .renewing(let line, _), .keeping(let line, _):
            return line.quoted.map { now >= $0.advanced(by: self.rules.quiet) } ?? true
        }
    }

    /// When ``isPolling(at:)`` becomes true if nothing happens.
    package var pollingBegins: Timestamp? {
        switch self.phase {
        case .idle: nil
        case .waiting, .attempting: self.started?.advanced(by: self.rules.quiet)
        case .open(let line), .renewing(let line, _), .keeping(let line, _):
            line.quoted?.advanced(by: self.rules.quiet)
        }
    }

    /// Whether quotes are received over a WebSocket.
    package var isOpen: Bool {
        switch self.phase {
        case .open, .renewing, .keeping: true
        case .idle, .waiting, .attempting: false
        }
    }

    // MARK: - Helpers

    private var lines: [Line] {
        switch self.phase {
        case .idle, .waiting: []
        case .attempting(let line), .open(let line), .keeping(let line, _): [line]
        case .renewing(let old, let next): [old, next]
        }
    }

    private mutating func change(_ number: Int, _ body: (inout Line) -> Void) -> Bool {
        switch self.phase {
        case .attempting(var line) where line.number == number:
            body(&line)
            self.phase = .attempting(line)
        case .open(var line) where line.number == number:
            body(&line)
            self.phase = .open(line)
        case .renewing(var old, let next) where old.number == number:
            body(&old)
            self.phase = .renewing(old: old, next: next)
        case .renewing(let old, var next) where next.number == number:
            body(&next)
            self.phase = .renewing(old: old, next: next)
        case .keeping(var old, let until) where old.number == number:
            body(&old)
            self.phase = .keeping(old: old, until: until)
        case .idle, .waiting, .attempting, .open, .renewing, .keeping:
            return false
        }
        return true
    }

    private mutating func attempt(at now: Timestamp) -> [Action] {
        self.lastNumber += 1
        let line = Line(self.lastNumber, at: now)
        switch self.phase {
        case .idle, .waiting, .attempting: self.phase = .attempting(line)
        case .open(let old), .renewing(let old, _), .keeping(let old, _):
            self.phase = .renewing(old: old, next: line)
        }
        return [.connect(line.number)]
    }

    /// The next messages that are due on a connection.
    private mutating func say(_ number: Int, at now: Timestamp) -> [Action] {
        var actions: [Action] = []
        let rules = self.rules
        _ = self.change(number) { line in
            guard line.opened != nil else { return }
            if let message = line.unsent.first {
                guard now >= line.nextSend else { return }
                line.unsent.removeFirst()
                line.nextSend = now.advanced(by: rules.messageInterval)
                actions.append(.send(number, message))
            } else if let probe = rules.probe, !line.isProbed, now >= line.heard.advanced(by: rules.silence / 2),
                now >= line.nextSend
            {
                line.isProbed = true
                line.nextSend = now.advanced(by: rules.messageInterval)
                actions.append(.send(number, probe))
            }
        }
        return actions
    }

    private func deadlines(of line: Line) -> [Timestamp] {
        guard let opened = line.opened else { return [] }
        var times = [line.heard.advanced(by: self.rules.silence)]
        if line.quoted == nil { times.append(opened.advanced(by: self.rules.silence * Self.patience)) }
        if !line.unsent.isEmpty {
            times.append(line.nextSend)
        } else if self.rules.probe != nil, !line.isProbed {
            times.append(max(line.nextSend, line.heard.advanced(by: self.rules.silence / 2)))
        }
        return times
    }

    /// The connection attempt has its own timeout; the silence timer starts after it.
    private func isDead(_ line: Line, at now: Timestamp) -> Bool {
        guard let opened = line.opened else { return false }
        return now >= line.heard.advanced(by: self.rules.silence)
            || line.quoted == nil && now >= opened.advanced(by: self.rules.silence * Self.patience)
    }

    private func renewal(of line: Line) -> Timestamp? {
        guard let opened = line.opened else { return nil }
        // Some exchanges announce a close on every new connection: do not reconnect at once.
        if line.isLeaving { return opened.advanced(by: self.rules.retry.upperBound) }
        return self.rules.lifetime.map { opened.advanced(by: $0) }
    }

    private mutating func giveUp(_ line: Line, at now: Timestamp, chance: Double) -> [Action] {
        [.abandon(line.number)] + self.ended(line.number, at: now, chance: chance)
    }

    /// Full jitter: random, up to a limit that doubles with each failure.
    private mutating func nextAttempt(
        after line: Line,
        _ retryAfter: Duration?,
        _ now: Timestamp,
        _ chance: Double
    ) -> Timestamp {
        if let opened = line.opened, line.quoted != nil, now >= opened.advanced(by: self.rules.settled) {
            self.failures = 0
        }
        let doublings = min(self.failures, 16)
        let limit = min(self.rules.retry.upperBound, self.rules.retry.lowerBound * (1 << doublings))
        self.failures += 1
        return now.advanced(by: max(limit * min(1, max(0, chance)), retryAfter ?? .zero))
    }
}
