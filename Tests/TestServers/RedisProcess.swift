// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A server in a process of its own that does not outlive the tests, however they end.
///
/// A shell between them waits for the end of its standard input, which comes when the tests' process is gone, and then
/// kills the server. (`PR_SET_PDEATHSIG` would fire when the thread ends that started it.)
final class RedisProcess: Sendable {
    /// Prints the server's number; its output follows.
    private static let script = """
        exec 3<&0
        "$0" "$@" </dev/null 2>&1 3<&- &
        server=$!
        echo "$server"
        { read -r line <&3; kill -KILL "$server"; } >/dev/null 2>&1 &
        watcher=$!
        wait "$server"
        kill "$watcher"
        """

    private let process: Process
    private let lifeline: Pipe
    private let server: pid_t

    private init(process: Process, lifeline: Pipe, server: pid_t) {
        self.process = process
        self.lifeline = lifeline
        self.server = server
    }

    /// Returns when the server takes connections.
    static func start(_ program: String, _ arguments: [String]) async throws -> RedisProcess {
        let process = Process()
        let (lifeline, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.script, program] + arguments
        process.standardInput = lifeline
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let handle = output.fileHandleForReading
        let first: Result<pid_t, RedisServer.Failure> = await withCheckedContinuation { continuation in
            Thread.detachNewThread { Self.follow(handle, continuation) }
        }
        do {
            return RedisProcess(process: process, lifeline: lifeline, server: try first.get())
        } catch {
            process.waitUntilExit()
            try? lifeline.fileHandleForWriting.close()
            throw error
        }
    }

    /// Reads the output to its end, so that the server never waits for a reader.
    private static func follow(
        _ handle: FileHandle,
        _ continuation: CheckedContinuation<Result<pid_t, RedisServer.Failure>, Never>
    ) {
        var text = ""
        var waiting: CheckedContinuation<Result<pid_t, RedisServer.Failure>, Never>? = continuation
        while true {
            let data = handle.availableData
            guard !data.isEmpty else { break }
            guard let present = waiting else { continue }
            text += String(decoding: data, as: UTF8.self)
            // Of Redis' own log.
            guard text.contains("eady to accept connections"),
                let server = text.split(separator: "\n").lazy.compactMap({ pid_t($0) }).first
            else { continue }
            present.resume(returning: .success(server))
            waiting = nil
        }
        waiting?.resume(returning: .failure(RedisServer.Failure(description: "the server did not start: \(text)")))
    }

    func signal(_ number: Int32) {
        guard self.process.isRunning else { return }
        Foundation.kill(self.server, number)
    }

    func kill() {
        self.signal(SIGKILL)
        self.process.waitUntilExit()
        // Only now: the shell's watcher is gone, and cannot kill whoever has the server's number next.
        try? self.lifeline.fileHandleForWriting.close()
    }
}
