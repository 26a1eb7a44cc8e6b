// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A pool of connections for reading. Reads wait in a bounded queue if no connection is free.
final class PostgresPool: Sendable {
    private struct State: Sendable {
        var free: [PostgresConnection]
        var waiters: [CheckedContinuation<PostgresConnection, Never>] = []
    }

    /// Maximum number of waiting reads; more are refused. The waiting time is bounded by the work before it divided by
    /// the number of connections, since each unit of work ends within its limit.
    static let maxWaiting = 256

    private let state: Mutex<State>
    private let all: [PostgresConnection]

    init(_ connections: [PostgresConnection]) {
        self.all = connections
        self.state = Mutex(State(free: connections))
    }

    /// Reads on a free connection. A lost connection is retried once, because the server may have been restarted since
    /// its last use.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresSession) throws(PostgresFault) -> Value
    ) async throws(PostgresFault) -> Value {
        guard let connection = await self.take() else {
            throw .lost("\(Self.maxWaiting) reads wait already")
        }
        defer { self.give(connection) }
        do throws(PostgresFault) {
            return try await connection.perform(work)
        } catch {
            guard case .lost = error, !connection.isDown else { throw error }
            return try await connection.perform(work)
        }
    }

    private func take() async -> PostgresConnection? {
        let isRoom = self.state.withLock { $0.waiters.count < Self.maxWaiting }
        guard isRoom else { return nil }
        return await withCheckedContinuation { continuation in
            let connection = self.state.withLock { state -> PostgresConnection? in
                // Prefers a working connection.
                if let index = state.free.firstIndex(where: { !$0.isDown }) ?? state.free.indices.first {
                    return state.free.remove(at: index)
                }
                state.waiters.append(continuation)
                return nil
            }
            if let connection { continuation.resume(returning: connection) }
        }
    }

    private func give(_ connection: PostgresConnection) {
        let waiter = self.state.withLock { state -> CheckedContinuation<PostgresConnection, Never>? in
            guard !state.waiters.isEmpty else {
                state.free.append(connection)
                return nil
            }
            return state.waiters.removeFirst()
        }
        waiter?.resume(returning: connection)
    }

    func close() async {
        for connection in self.all {
            await connection.close()
        }
    }
}
