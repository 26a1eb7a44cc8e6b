// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import TestSupport
import Testing

/// Programs whose output cannot be written: the disk is full, or the reader has exited or stalled.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct OutputTests {
    private static let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
    private static let arguments = ["serve", "--admin-port", "0", "--jwt-secret", RunningHub.secret]

    /// Starts a hub whose standard error is somebody else's.
    private func withHub(
        logging format: String,
        to errors: FileHandle,
        _ body: (RunningHub) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let port = try await FreePort.take()
            let program = try Program(
                Self.arguments + ["--port", "\(port)", "--log-level", "debug"],
                environment: ["BROADTAPE_LOG_FORMAT": format],
                in: folder,
                streams: (nil, errors)
            )
            let hub = RunningHub(program: program, port: port, folder: folder)
            do {
                try await eventually("the hub is ready") {
                    (try? await hub.get("/health/ready").status == 200) == true || program.record.value.status != nil
                }
                try await body(hub)
            } catch {
                try await program.kill()
                throw error
            }
            try await program.kill()
        }
    }

    // MARK: - The log

    @Test(arguments: ["text", "json"])
    func aFullDiskUnderTheLogStopsNothing(_ format: String) async throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        try await self.withHub(logging: format, to: full) { hub in
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.run("publish", token: token, input: Self.event).status == 0)
            hub.program.terminate()
            #expect(try await hub.program.end().status == 0)
        }
    }

    /// Clients are disconnected in an orderly way even if nobody reads the node's output.
    @Test(arguments: ["text", "json"])
    func aReaderOfTheLogThatLeavesStopsNothing(_ format: String) async throws {
        let reader = Reader()
        try await self.withHub(logging: format, to: reader.input) { hub in
            _ = try await reader.read(until: "listening")
            try reader.leave()
            let subscriber = try Subscriber(
                to: try hub.address(),
                subscriptions: [Subscription("rateChange:A", from: .live)],
                token: nil
            )
            let updates = Watched<[String]>([])
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    try? await subscriber.run { for await update in $0 { updates.change { $0.append("\(update)") } } }
                }
                try await updates.wait(for: "the subscription") { $0.contains { $0.contains("subscribed") } }
                hub.program.terminate()
                try await updates.wait(for: "the goodbye") { $0.contains { $0.contains("4001") } }
                #expect(try await hub.program.end().status == 0)
                tasks.cancelAll()
            }
        }
    }

    /// The hub serves while nobody takes its log; what does not fit is dropped, and the log says how much that was.
    @Test(arguments: ["text", "json"])
    func aReaderOfTheLogThatStandsStillStopsNothing(_ format: String) async throws {
        let reader = Reader()
        try await self.withHub(logging: format, to: reader.input) { hub in
            _ = try await reader.read(until: "listening")
            // Every request has a line with its path: 2 MB, into a pipe of 64 KB and a queue of 1 MB.
            let path = "/" + String(repeating: "x", count: 8_000)
            for _ in 0..<250 { #expect(try await hub.get(path).status == 404) }
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.run("publish", token: token, input: Self.event).status == 0)
            let log = try await reader.read(until: "log lines were dropped")
            // Whole lines only, and those that were there first.
            #expect(log.components(separatedBy: path).count > 60)
            let count = try #require(log.firstMatch(of: #/lines(?:":"|=)(\d+)/#).flatMap { Int($0.1) })
            #expect((50...250).contains(count))
            hub.program.terminate()
            _ = try await reader.read(until: "stopped")
            #expect(try await hub.program.end().status == 0)
        }
    }

    // MARK: - Commands

    /// As `yes | head -1` does.
    @Test func aCommandEndsQuietlyWhenItsReaderLeaves() async throws {
        try await TestSupport.withHub { hub in
            let token = try await hub.token("svc", "publish:*")
            try await eventually("the admin port") { hub.adminURL != nil }
            let admin = try #require(hub.adminURL)
            for arguments in [["tail", "rateChange:A", "--since", "0"], ["top", "--to", admin, "--every", "100ms"]] {
                let reader = Reader()
                let program = try Program(
                    arguments,
                    environment: ["BROADTAPE_URL": hub.url],
                    in: hub.folder,
                    streams: (reader.input, nil)
                )
                #expect(try await hub.run("publish", token: token, input: Self.event).status == 0)
                _ = try await reader.read(until: "\n")
                try reader.leave()
                #expect(try await hub.run("publish", token: token, input: Self.event).status == 0)
                let record = try await program.end()
                #expect(record.status == -SIGPIPE, "\(arguments): \(record)")
                #expect(!record.errors.contains("rror"), "\(record)")
            }
        }
    }

    private static let commands: [(program: String, arguments: [String])] = [
        ("broadtape", ["--help"]), ("broadtape", ["serve", "--help"]), ("broadtape", ["api-key"]),
        ("broadtape", ["token", "--subject", "u", "--jwt-secret", RunningHub.secret]),
        ("broadtape", ["check-config"]), ("broadtape", ["check-config", "--effective"]),
        ("broadtape", ["check-config", "--reference"]), ("broadtape", ["doctor", "--jwt-secret", RunningHub.secret]),
        ("broadtape", ["migrate", "up"]), ("broadtape", ["migrate", "status"]), ("broadtape", ["verify"]),
        ("broadtape", ["top", "--once", "--every", "100ms", "--to", "127.0.0.1:1"]), ("broadtape-load", ["--help"]),
        ("broadtape-bench", ["parts", "--only", "mask", "--runs", "1", "--milliseconds", "1"]),
    ]

    @Test func aCommandWhoseOutputCannotBeWrittenFailsAndSaysWhy() async throws {
        try await withFolder { folder in
            for (name, arguments) in Self.commands {
                let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
                let record = try await Program(arguments, of: name, in: folder, streams: (full, nil)).end()
                #expect(record.status == 1, "\(name) \(arguments): \(record)")
                #expect(record.errors.contains("No space left on device"), "\(name) \(arguments): \(record)")
            }
        }
    }

    /// Of a stream that is closed the database would get the number, and the log would be written into it.
    @Test func whatIsClosedIsNotWrittenTo() async throws {
        try await withFolder { folder in
            let program = Program.folder.appendingPathComponent("broadtape").path
            let shell = URL(fileURLWithPath: "/bin/sh")
            let key = try Program(at: shell, ["-c", "exec \"$0\" api-key >&-", program], in: folder)
            let record = try await key.end()
            #expect(record.status == 1 && record.errors.contains("Bad file descriptor"), "\(record)")

            let port = try await FreePort.take()
            let closed = "exec \"$0\" \"$@\" <&- >&- 2>&-"
            let arguments = [program] + Self.arguments + ["--port", "\(port)", "--log-level", "trace"]
            let served = try Program(at: shell, ["-c", closed] + arguments, in: folder)
            let hub = RunningHub(program: served, port: port, folder: folder)
            do {
                try await eventually("the hub is ready") {
                    (try? await hub.get("/health/ready").status == 200) == true || served.record.value.status != nil
                }
                let token = try await hub.token("svc", "publish:*")
                #expect(try await hub.run("publish", token: token, input: Self.event).status == 0)
                served.terminate()
                #expect(try await served.end().status == 0)
            } catch {
                try await served.kill()
                throw error
            }
            #expect(try await Program.run(["verify"], in: folder).status == 0)
        }
    }

    /// The status says what it would have said.
    @Test func aCommandWhoseErrorsCannotBeWrittenEndsAsWell() async throws {
        try await withFolder { folder in
            for (status, arguments) in [
                (64, ["nonsense"]), (2, ["verify", "--database", "memory:"]), (0, ["migrate", "up"]),
            ] {
                let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
                let record = try await Program(arguments.map { $0 }, in: folder, streams: (nil, full)).end()
                #expect(record.status == Int32(status), "\(arguments): \(record)")
            }
        }
    }
}
