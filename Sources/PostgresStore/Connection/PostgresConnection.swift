// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import EventLog
import JSON
import Logging
import NIOCore
import Synchronization

/// One connection to the database on its own thread, where libpq may block; reconnects automatically.
///
/// While it is known to be down, work is refused immediately, and it reconnects in the background at increasing
/// intervals.
actor PostgresConnection: LoopActor {
    /// Timeouts.
    struct Limits: Sendable {
        /// Finding the server and logging in.
        var connecting = Duration.seconds(3)
        /// One unit of work. The server has the same timeout, so that a crashed or paused node does not block the
        /// others.
        var working = Duration.seconds(5)
        /// Delay between attempts to connect: doubled up to the maximum, with jitter.
        var backoff = Duration.milliseconds(100)...Duration.seconds(5)
    }

    private enum State {
        /// Not connected, but not known to be down.
        case idle
        case open(PostgresSession)
        /// Down, with the number of failed attempts.
        case down(attempts: Int)
        case closed
    }

    private let address: PostgresAddress
    private let setup: [String]
    private let limits: Limits
    nonisolated let loop: any EventLoop
    private let logger: Logger
    private var state = State.idle
    /// Why work is refused immediately; nil if it may be tried. Read from any thread, so that callers do not wait for
    /// an attempt to connect.
    private nonisolated let outage = Mutex<String?>(nil)

    /// - Parameters:
    ///   - setup: SQL to run on every new connection.
    ///   - loop: The event loop whose thread is blocked.
    init(
        _ address: PostgresAddress,
        setup: [String] = [],
        limits: Limits,
        loop: any EventLoop,
        logger: Logger
    ) {
        self.address = address
        self.setup = setup
        self.limits = limits
        self.loop = loop
        self.logger = logger
    }

    /// Whether work is refused immediately.
    nonisolated var isDown: Bool {
        self.outage.withLock { $0 != nil }
    }

    /// Runs work on the connection, after previous work; connects first if necessary. Ignores cancellation: work that
    /// has begun is completed.
    ///
    /// Work that ends in ``PostgresFault/lost(_:)`` closes the connection; the next work uses a new one.
    nonisolated func perform<Value: Sendable>(
        within limit: Duration? = nil,
        _ work: @escaping @Sendable (PostgresSession) throws(PostgresFault) -> Value
    ) async throws(PostgresFault) -> Value {
        if let outage = self.outage.withLock({ $0 }) { throw .lost(outage) }
        return try await self.performOnThread(within: limit ?? self.limits.working, work)
    }

    private func performOnThread<Value: Sendable>(
        within limit: Duration,
        _ work: @Sendable (PostgresSession) throws(PostgresFault) -> Value
    ) throws(PostgresFault) -> Value {
        let session = try self.session()
        session.deadline = .now() + TimeAmount(limit)
        do throws(PostgresFault) {
            return try work(session)
        } catch {
            if case .lost(let text) = error { self.lost(text, isSilent: session.deadline <= .now()) }
            throw error
        }
    }

    /// ``perform(within:_:)`` for work that is valid only on the current connection.
    func performOnPresent<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresSession) throws(PostgresFault) -> Value
    ) throws(PostgresFault) -> Value {
        guard case .open = self.state else { throw .lost(self.outage.withLock { $0 } ?? "the connection was lost") }
        return try self.performOnThread(within: self.limits.working, work)
    }

    private func session() throws(PostgresFault) -> PostgresSession {
        switch self.state {
        case .open(let session): return session
        case .idle: return try self.connect(attempts: 0)
        case .down, .closed: throw .lost(self.outage.withLock { $0 } ?? "closed")
        }
    }

    private func lost(_ text: String, isSilent: Bool) {
        guard case .open = self.state else { return }
        self.state = .idle
        self.logger.warning("connection to the database lost", metadata: ["reason": "\(text)"])
        // A server that does not respond would not respond on a new connection either, so nothing waits for it.
        if isSilent { self.failed(text, attempts: 1) }
    }

    // MARK: Connecting

    private func connect(attempts: Int) throws(PostgresFault) -> PostgresSession {
        let deadline = NIODeadline.now() + TimeAmount(self.limits.connecting)
        do throws(PostgresFault) {
            let session = try PostgresSession(self.address, deadline: deadline, logger: self.logger)
            if !self.setup.isEmpty { try session.run(sql: self.setup) }
            self.state = .open(session)
            self.outage.withLock { $0 = nil }
            self.logger.debug("connected to the database")
            return session
        } catch {
            let text = if case .lost(let text) = error { text } else { "\(error)" }
            self.failed(text, attempts: attempts + 1)
            throw .lost(text)
        }
    }

    private func failed(_ text: String, attempts: Int) {
        self.state = .down(attempts: attempts)
        self.outage.withLock { $0 = text }
        if attempts == 1 {
            self.logger.error("the database is down", metadata: ["reason": "\(text)"])
        }
        let longest = min(self.limits.backoff.upperBound, self.limits.backoff.lowerBound * (1 << min(attempts, 10)))
        // All nodes lose the server at the same time and must not reconnect at the same time.
        let delay = longest * Double.random(in: 0.5...1)
        self.schedule(in: TimeAmount(delay)) { $0.reconnect() }
    }

    private func reconnect() {
        guard case .down(let attempts) = self.state, (try? self.connect(attempts: attempts)) != nil else { return }
        self.logger.info("the database is back", metadata: ["attempts": "\(attempts)"])
    }

    /// Connects after a pause if it is down, for work with an unknown outcome. Ignores cancellation.
    func retry(after pause: Duration) {
        guard case .down(let attempts) = self.state else { return }
        _ = poll(nil, 0, Int32(clamping: pause.wholeMilliseconds))
        _ = try? self.connect(attempts: attempts)
    }

    func close() {
        self.state = .closed
        self.outage.withLock { $0 = "the tape is closed" }
    }
}
