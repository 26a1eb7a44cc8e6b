// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The names that this process leads or waits for, as session-level advisory locks of one connection for all of them.
///
/// The connection exists while there are such names; the server releases its locks with it. If anything fails on it,
/// all leaderships held over it end, and those that follow use a new connection.
///
/// A node that is paused while holding leadership loses it when the server ends its idle session
/// (`idle_session_timeout`), and detects this when it resumes: for that moment two nodes may be active.
final class PostgresLeadership: Sendable {
    /// Interval of attempts to acquire leadership, and of checks while holding it.
    private static let interval = Duration.seconds(1)
    /// Timeout of a check. The server releases the locks of a connection that is silent for longer than this and the
    /// interval together, so two nodes never both believe that they hold one while they are running.
    private static let limit = Duration.seconds(3)

    /// A connection, while it is used.
    private final class Lease: Sendable {
        let connection: PostgresConnection
        let loops: MultiThreadedEventLoopGroup
        /// Changed while the state is locked.
        let uses = Atomic<Int>(0)
        /// Why the locks may be lost.
        let fault = Mutex<PostgresFault?>(nil)

        init(_ connection: PostgresConnection, _ loops: MultiThreadedEventLoopGroup) {
            self.connection = connection
            self.loops = loops
        }
    }

    private struct State: Sendable {
        var lease: Lease?
        /// Names that this process leads or tries to lead at this moment: the server would grant a lock to the same
        /// session again.
        var names: Set<String> = []
    }

    private let address: PostgresAddress
    private let limits: PostgresConnection.Limits
    private let logger: Logger
    private let state = Mutex(State())

    init(_ address: PostgresAddress, limits: PostgresConnection.Limits, logger: Logger) {
        self.address = address
        var limits = limits
        limits.working = Self.limit
        self.limits = limits
        self.logger = logger
    }

    /// See ``FanInStore/withLeadership(_:_:)``.
    func lead(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        let lease = self.join()
        var fault: PostgresFault?
        do throws(PostgresFault) {
            try await self.hold(name, over: lease, work)
        } catch {
            fault = error
        }
        await self.leave(lease)
        if let fault { throw fault.tapeFault }
    }

    private func hold(
        _ name: String,
        over lease: Lease,
        _ work: @escaping @Sendable () async -> Void
    ) async throws(PostgresFault) {
        while try await !self.take(name, over: lease) {
            guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
        }
        // Whichever ends first ends the other: the work or the leadership.
        let fault = await withTaskGroup(of: PostgresFault?.self) { group in
            group.addTask {
                await work()
                return nil
            }
            group.addTask { await Self.watch(lease) }
            let fault = await group.next() ?? nil
            group.cancelAll()
            await group.waitForAll()
            return fault
        }
        _ = try? await Self.run("unlock_name", "SELECT pg_advisory_unlock(\(Self.key))", name, on: lease)
        self.state.withLock { _ = $0.names.remove(name) }
        if let fault { throw fault }
    }

    private func take(_ name: String, over lease: Lease) async throws(PostgresFault) -> Bool {
        guard self.state.withLock({ $0.names.insert(name).inserted }) else { return false }
        do throws(PostgresFault) {
            let sql = "SELECT pg_try_advisory_lock(\(Self.key))"
            if try await Self.run("take_turn", sql, name, on: lease) { return true }
            self.state.withLock { _ = $0.names.remove(name) }
            return false
        } catch {
            self.state.withLock { _ = $0.names.remove(name) }
            throw error
        }
    }

    /// Returns why leadership may be lost; nil if cancelled.
    private static func watch(_ lease: Lease) async -> PostgresFault? {
        while (try? await Task.sleep(for: self.interval)) != nil {
            do throws(PostgresFault) {
                _ = try await self.run("still_there", "SELECT $1::text IS NOT NULL", "", on: lease)
            } catch {
                return error
            }
        }
        return nil
    }

    /// The lock of a name, the first parameter.
    private static let key = "hashtextextended(current_schema() || '/' || $1::text, 1112826224)"

    /// Runs a statement with one parameter that returns one truth value. Any fault ends the lease, so that nothing is
    /// taken for held on a later session of the connection, which would not have the locks.
    private static func run(
        _ statement: String,
        _ sql: String,
        _ parameter: String,
        on lease: Lease
    ) async throws(PostgresFault) -> Bool {
        if let fault = lease.fault.withLock({ $0 }) { throw fault }
        do throws(PostgresFault) {
            let command = PostgresCommand(PostgresStatement(statement, sql)).with(parameter)
            let result = try await lease.connection.perform { session throws(PostgresFault) in
                try session.run(command).bool(0, 0)
            }
            if let fault = lease.fault.withLock({ $0 }) { throw fault }
            return result
        } catch {
            lease.fault.withLock { $0 = $0 ?? error }
            throw error
        }
    }

    // MARK: The connection

    private func join() -> Lease {
        self.state.withLock { state in
            let present = state.lease.flatMap { lease in lease.fault.withLock { $0 == nil } ? lease : nil }
            let lease = present ?? self.connect()
            state.lease = lease
            lease.uses.wrappingAdd(1, ordering: .relaxed)
            return lease
        }
    }

    private func leave(_ lease: Lease) async {
        let isOver = self.state.withLock { state in
            guard lease.uses.wrappingSubtract(1, ordering: .relaxed).newValue == 0 else { return false }
            if state.lease === lease { state.lease = nil }
            return true
        }
        guard isOver else { return }
        await lease.connection.close()
        try? await lease.loops.shutdownGracefully()
    }

    private func connect() -> Lease {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connection = PostgresConnection(
            self.address,
            setup: [
                "SET statement_timeout = \(Self.limit.wholeMilliseconds)",
                "SET idle_session_timeout = \((Self.interval + Self.limit).wholeMilliseconds)",
                // Otherwise a server process does not detect that its client is gone.
                "SET tcp_user_timeout = \(Self.limit.wholeMilliseconds)",
            ],
            limits: self.limits,
            loop: loops.next(),
            logger: self.logger
        )
        return Lease(connection, loops)
    }
}

extension PostgresTape {
    package func withLeadership(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        try await self.leadership.lead(name, work)
    }
}
