// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import NIOCore
import NIOPosix

extension PostgresTape {
    /// Interval of attempts to acquire leadership, and of checks while holding it.
    private static let leaseInterval = Duration.seconds(1)
    /// Timeout of a check. The server releases the lock of a connection that is silent for longer than this and the
    /// interval together, so two nodes never both believe that they hold it while they are running.
    private static let leaseLimit = Duration.seconds(3)

    /// Uses a session-level advisory lock on its own connection: the server releases it with the connection.
    ///
    /// A node that is paused while holding leadership loses it when the server ends its idle session
    /// (`idle_session_timeout`), and detects this when it resumes: for that moment two nodes may be active.
    package func withLeadership(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var limits = self.limits
        limits.working = Self.leaseLimit
        let connection = PostgresConnection(
            self.address,
            setup: [
                "SET statement_timeout = \(Self.leaseLimit.wholeMilliseconds)",
                "SET idle_session_timeout = \((Self.leaseInterval + Self.leaseLimit).wholeMilliseconds)",
                // Otherwise a server process does not detect that its client is gone.
                "SET tcp_user_timeout = \(Self.leaseLimit.wholeMilliseconds)",
            ],
            limits: limits,
            loop: loops.next(),
            logger: self.logger
        )
        let result: Result<Void, TapeFault>
        do throws(TapeFault) {
            try await Self.hold(connection, name, work)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await connection.close()
        try? await loops.shutdownGracefully()
        try result.get()
    }

    private static func hold(
        _ connection: PostgresConnection,
        _ name: String,
        _ work: @escaping @Sendable () async -> Void
    ) async throws(TapeFault) {
        do throws(PostgresFault) {
            while try await !self.take(connection, name) {
                guard (try? await Task.sleep(for: self.leaseInterval)) != nil else { return }
            }
        } catch {
            throw error.tapeFault
        }
        // Whichever ends first ends the other: the work or the leadership.
        let fault = await withTaskGroup(of: PostgresFault?.self) { group in
            group.addTask {
                await work()
                return nil
            }
            group.addTask { await self.watch(connection) }
            let fault = await group.next() ?? nil
            group.cancelAll()
            await group.waitForAll()
            return fault
        }
        if let fault { throw fault.tapeFault }
    }

    private static func take(_ connection: PostgresConnection, _ name: String) async throws(PostgresFault) -> Bool {
        try await connection.perform { session throws(PostgresFault) in
            try session.run(
                PostgresCommand(
                    PostgresStatement(
                        "take_turn",
                        "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '/' || $1::text, 1112826224))"
                    )
                ).with(name)
            ).bool(0, 0)
        }
    }

    /// Returns why leadership may be lost; nil if cancelled.
    private static func watch(_ connection: PostgresConnection) async -> PostgresFault? {
        while (try? await Task.sleep(for: self.leaseInterval)) != nil {
            do throws(PostgresFault) {
                // Never on a new connection, which would not have the lock.
                try await connection.performOnPresent { session throws(PostgresFault) in
                    _ = try session.run(PostgresCommand(PostgresStatement("still_there", "SELECT 1")))
                }
            } catch {
                return error
            }
        }
        return nil
    }
}
