// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A server in a process of its own that does not outlive the tests, however they end.
///
/// The kernel kills it with the thread that started it (`PR_SET_PDEATHSIG`); that thread does nothing but wait for it.
final class RedisProcess: Sendable {
    typealias Start = Result<RedisProcess, RedisServer.Failure>

    private let server: pid_t
    private let hasEnded = Mutex(false)

    private init(server: pid_t) {
        self.server = server
    }

    /// Returns when the server takes connections.
    static func start(_ program: String, _ arguments: [String]) async throws -> RedisProcess {
        let start: Start = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                Self.run(program, arguments) { continuation.resume(returning: $0) }
            }
        }
        return try start.get()
    }

    /// Starts the server and returns when it has ended.
    /// - Parameter started: Called once.
    private static func run(_ program: String, _ arguments: [String], started: (Start) -> Void) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        #if os(Linux)
        process.arguments = ["setpriv", "--pdeathsig", "KILL", program] + arguments
        #else
        process.arguments = [program] + arguments
        #endif
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        do {
            try process.run()
        } catch {
            return started(.failure(RedisServer.Failure(description: "\(program) cannot be run: \(error)")))
        }
        let server = RedisProcess(server: process.processIdentifier)
        var text = ""
        var isReady = false
        // Read to its end, so that the server never waits for a reader.
        while case let data = output.fileHandleForReading.availableData, !data.isEmpty {
            guard !isReady else { continue }
            text += String(decoding: data, as: UTF8.self)
            guard text.contains("Ready to accept connections") else { continue }
            isReady = true
            started(.success(server))
        }
        process.waitUntilExit()
        server.hasEnded.withLock { $0 = true }
        if !isReady {
            started(.failure(RedisServer.Failure(description: "\(program) did not start: \(text)")))
        }
    }

    func signal(_ number: Int32) {
        self.hasEnded.withLock { hasEnded in
            // Its number may be another's by then.
            guard !hasEnded else { return }
            Foundation.kill(self.server, number)
        }
    }

    /// Returns when it is gone, as the system sees it.
    ///
    /// Not when Foundation has noticed: it waits for the end of a socket that another process which was started at the
    /// same moment may have inherited.
    func kill() {
        self.signal(SIGKILL)
        for _ in 0..<10_000 where self.isAlive { usleep(1000) }
    }

    private var isAlive: Bool {
        guard !self.hasEnded.withLock({ $0 }) else { return false }
        #if os(Linux)
        guard let stat = try? String(contentsOfFile: "/proc/\(self.server)/stat", encoding: .utf8) else { return false }
        // The state follows the name, which is in brackets; Z is a process that only waits to be asked after.
        return !(stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].hasPrefix(") Z"))
        #else
        return Foundation.kill(self.server, 0) == 0
        #endif
    }
}
