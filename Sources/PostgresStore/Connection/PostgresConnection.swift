// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import EventLog
import JSON
import Logging
import NIOCore
import Synchronization

/// One connection to the database on a thread of its own, where libpq may block; it finds its way back by itself.
///
/// While it is known to be down, work is refused at once and the way back is tried in the background, at growing
/// intervals.
actor PostgresConnection: LoopActor {
    /// How long things may take.
    struct Limits: Sendable {
        /// Finding the server and logging in.
        var connecting = Duration.seconds(3)
        /// One piece of work. The server is told to give up at the same time, so that a node that is gone or stopped
        /// does not hold up the others.
        var working = Duration.seconds(5)
        /// Between attempts to connect: doubled from the first to the last, and a random part of it.
        var backoff = Duration.milliseconds(100)...Duration.seconds(5)
    }

    private enum State {
        /// Not connected, and not known to be unable to.
        case idle
        case open(PostgresSession)
        /// The number of attempts that have failed.
        case down(attempts: Int)
        case closed
    }

    private let address: PostgresAddress
    private let setup: [String]
    private let limits: Limits
    nonisolated let loop: any EventLoop
    private let logger: Logger
    private var state = State.idle
    /// Why work is refused at once; nil when it may be tried. Read from any thread, so that nobody waits behind an
    /// attempt to connect.
    private nonisolated let outage = Mutex<String?>(nil)

    /// - Parameters:
    ///   - setup: SQL to run on every new connection.
    ///   - loop: Its thread will be blocked.
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

    /// Whether work would be refused at once.
    nonisolated var isDown: Bool {
        self.outage.withLock { $0 != nil }
    }

    /// Does work on the connection, after the work before it; connects first when it has to. Does not listen to
    /// cancellation: what has begun is waited for.
    ///
    /// Work that ends in ``PostgresFault/lost(_:)`` gives the connection up, and the next is tried on a new one.
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

    /// ``perform(within:_:)`` for work that makes sense on the connection there is only.
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
        // A server that does not answer would not answer a new connection either: nobody is to wait for that.
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
        // All nodes lose the server at the same time; they are not to come back all at once.
        let delay = longest * Double.random(in: 0.5...1)
        self.schedule(in: TimeAmount(delay)) { $0.reconnect() }
    }

    private func reconnect() {
        guard case .down(let attempts) = self.state, (try? self.connect(attempts: attempts)) != nil else { return }
        self.logger.info("the database is back", metadata: ["attempts": "\(attempts)"])
    }

    /// Connects after a while if it is down, for work that must be settled. Not hurried by cancellation.
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
