// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import NIOCore
import NIOPosix

extension PostgresTape {
    /// How often the turn is asked for, and how often it is made sure of while it is had.
    private static let leaseInterval = Duration.seconds(1)
    /// How long the answer to that may take. The server ends the turn of a connection that it does not hear of for
    /// longer than this and the interval together, so two never have it while both can know.
    private static let leaseLimit = Duration.seconds(3)

    /// By a session's advisory lock on a connection of its own: the server gives it up with the connection.
    ///
    /// A node that is stopped with the turn in its hand loses it when the server ends its idle session
    /// (`idle_session_timeout`), and finds out when it goes on: for that moment two may be at work.
    package func whileAlone(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var limits = self.limits
        limits.working = Self.leaseLimit
        let connection = PostgresConnection(
            self.address,
            setup: [
                "SET statement_timeout = \(Self.leaseLimit.wholeMilliseconds)",
                "SET idle_session_timeout = \((Self.leaseInterval + Self.leaseLimit).wholeMilliseconds)",
                // A server process does not otherwise notice that its client is gone.
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
        // The first to end ends the other: the work, or being alone.
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

    /// Returns why the turn may be lost; nil when cancelled.
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
