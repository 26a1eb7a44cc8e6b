// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// A Postgres server of the tests' own: in a private folder, on a free port, gone with the test process however that
/// ends.
///
/// It listens on 127.0.0.1 and lets everyone in. It does not sync to disk: what it had committed survives `kill -9` of
/// it all the same, as the system has it.
package final class PostgresServer: Sendable {
    private struct Names: Sendable {
        var last = 0
        /// Schemas that were made and not yet given out.
        var schemas: [String] = []
    }

    private let program: PostgresProgram
    private let names = Mutex(Names())

    private init(_ program: PostgresProgram) {
        self.program = program
    }

    private static let common = Result { () throws(SetupFailure) in
        let server = PostgresServer(try PostgresProgram())
        try server.program.start()
        return server
    }

    /// The server that the tests of a process share, started at the first use. Not to be stopped or paused.
    package static var shared: PostgresServer {
        get async throws(SetupFailure) {
            try SystemTrait.check()
            return try await offPool { () throws(SetupFailure) in try Self.common.get() }
        }
    }

    /// Starts a server, hands it to a body to do with it what it likes, and removes it.
    package static func with<Value>(_ body: (PostgresServer) async throws -> Value) async throws -> Value {
        try SystemTrait.check()
        let server = try await offPool { () throws(SetupFailure) in
            let server = PostgresServer(try PostgresProgram())
            try server.program.start()
            return server
        }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        await offPool { server.program.remove() }
        return try result.get()
    }

    // MARK: Databases

    /// On 127.0.0.1, the same over restarts.
    package var port: Int { self.program.port }

    /// - Parameter port: Of a proxy in front of the server.
    package func url(database: String = "postgres", port: Int? = nil) -> String {
        "postgres://postgres@127.0.0.1:\(port ?? self.port)/\(database)"
    }

    /// Makes an empty database, and tells its URL.
    package func makeDatabase() async throws(SetupFailure) -> String {
        let name = self.names.withLock { names in
            names.last += 1
            return "test\(names.last)"
        }
        try await self.execute("CREATE DATABASE \(name)")
        return self.url(database: name)
    }

    /// Tells the URL of an empty schema: as good as a database to most, and had in no time.
    package func makeSchema(port: Int? = nil) async throws(SetupFailure) -> String {
        if self.names.withLock({ $0.schemas.isEmpty }) {
            let made = self.names.withLock { names in
                names.last += 50
                return (names.last - 49...names.last).map { "test\($0)" }
            }
            try await self.execute(made.map { "CREATE SCHEMA \($0);" }.joined())
            self.names.withLock { $0.schemas += made }
        }
        guard let name = self.names.withLock({ $0.schemas.popLast() }) else {
            return try await self.makeSchema(port: port)
        }
        return self.url(port: port) + "?options=-csearch_path%3D\(name)"
    }

    /// Runs SQL as an operator would.
    /// - Returns: The rows as text, a line each, columns joined by `|`.
    @discardableResult
    package func execute(_ sql: String, at url: String? = nil) async throws(SetupFailure) -> String {
        let url = url ?? self.url()
        return try await offPool { () throws(SetupFailure) in try PostgresProgram.query(sql, at: url) }
    }

    // MARK: Breaking it

    /// Starts it again on the same port, and returns when it can be used.
    package func start() async throws(SetupFailure) {
        try await offPool { () throws(SetupFailure) in try self.program.start() }
    }

    /// `kill -9` of all its processes, as when the machine's power goes.
    package func kill() async {
        await offPool { self.program.kill() }
    }

    /// Ends it at once, without waiting for its clients.
    package func stop() async {
        await offPool { self.program.stop() }
    }

    /// Stops all its processes where they are: connections stay, and nothing is answered.
    package func pause() {
        self.program.signal(SIGSTOP)
    }

    package func resume() {
        self.program.signal(SIGCONT)
    }
}

/// Runs work that blocks on a thread that may be blocked.
private func offPool<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    try await withCheckedContinuation { (waiter: CheckedContinuation<Result<Value, Failure>, Never>) in
        DispatchQueue.global().async {
            waiter.resume(returning: Result { () throws(Failure) in try work() })
        }
    }.get()
}
