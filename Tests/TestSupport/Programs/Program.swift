// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Synchronization
import Testing

/// A program that runs as a process of its own: of this package, or another one.
package final class Program: Sendable {
    /// What has become of it so far.
    package struct Record: Sendable, CustomStringConvertible {
        package var output = ""
        package var errors = ""
        /// How many of its two streams have ended.
        package var endedStreams = 0
        /// Exit status; a signal's number below zero.
        package var status: Int32?

        package var isOver: Bool {
            self.status != nil && self.endedStreams == 2
        }

        /// The lines of the standard output.
        package var lines: [String] {
            self.output.split(separator: "\n").map(String.init)
        }

        package var description: String {
            "status \(self.status.map(String.init) ?? "none"), output: \(self.output) errors: \(self.errors)"
        }
    }

    package let record = Watched(Record())
    private let process: ChildProcess
    /// Of its standard input, if that stays open.
    private let input: FileHandle?
    /// The end of the process and of its two streams.
    private let parts = DispatchGroup()

    package var identifier: pid_t {
        self.process.identifier
    }

    /// Where the programs of this package are: beside the tests, unless `BROADTAPE_PROGRAMS` says otherwise.
    package static let folder =
        ProcessInfo.processInfo.environment["BROADTAPE_PROGRAMS"].map { URL(fileURLWithPath: $0) }
        ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()

    /// A program of this package, which sees little of the tests' environment.
    /// - Parameters:
    ///   - environment: In place of the tests' own.
    ///   - folder: The working directory.
    ///   - input: For its standard input, which is at its end otherwise.
    ///   - streams: Where its output and its errors go instead of into the record.
    package convenience init(
        _ arguments: [String],
        of name: String = "broadtape",
        environment: [String: String] = [:],
        in folder: TestFolder,
        input: String = "",
        streams: (output: FileHandle?, errors: FileHandle?) = (nil, nil)
    ) throws {
        try self.init(
            at: Self.folder.appendingPathComponent(name),
            arguments,
            environment: environment,
            in: folder,
            input: input,
            streams: streams
        )
    }

    /// A program of this package that may open so many files and no more.
    package convenience init(_ arguments: [String], descriptors: Int, in folder: TestFolder) throws {
        let program = Self.folder.appendingPathComponent("broadtape").path
        try self.init(
            at: URL(fileURLWithPath: "/bin/sh"),
            ["-c", "ulimit -n \(descriptors); exec \"$0\" \"$@\"", program] + arguments,
            in: folder
        )
    }

    /// A program that is not of this package, and sees as little.
    package convenience init(
        at executable: URL,
        _ arguments: [String],
        environment: [String: String] = [:],
        in folder: TestFolder,
        input: String = "",
        streams: (output: FileHandle?, errors: FileHandle?) = (nil, nil)
    ) throws {
        try self.init(
            [executable.path] + arguments,
            environment: environment.merging(["HOME": folder.path, "PATH": "/usr/bin:/bin"]) { given, _ in given },
            in: folder.path,
            input: input,
            streams: streams
        )
    }

    /// Any program.
    /// - Parameters:
    ///   - command: The program, by its path or a name to be found in `PATH`, and its arguments.
    ///   - environment: Nil is the tests' own.
    ///   - folder: The working directory; nil is the tests' own.
    ///   - input: For its standard input; nil leaves that open for as long as this object lives.
    ///   - streams: Where its output and its errors go instead of into the record.
    ///   - endsWithTests: The kernel kills it when this process ends, however that ends (on Linux).
    package init(
        _ command: [String],
        environment: [String: String]? = nil,
        in folder: String? = nil,
        input: String? = "",
        streams: (output: FileHandle?, errors: FileHandle?) = (nil, nil),
        endsWithTests: Bool = false
    ) throws(SetupFailure) {
        try SystemTrait.check()
        var command = command
        #if os(Linux)
        if endsWithTests { command = ["setpriv", "--pdeathsig", "KILL"] + command }
        #endif
        let environment = environment ?? ProcessInfo.processInfo.environment
        let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
        let ends = (
            input: standardInput.fileHandleForReading,
            output: streams.output ?? output.fileHandleForWriting,
            errors: streams.errors ?? errors.fileHandleForWriting
        )
        let childStreams = ChildProcess.Streams(
            input: ends.input.fileDescriptor,
            output: ends.output.fileDescriptor,
            errors: ends.errors.fileDescriptor
        )
        let (record, parts) = (self.record, self.parts)
        let start = Watched<Result<ChildProcess, SetupFailure>?>(nil)
        let hasStarted = DispatchSemaphore(value: 0)
        parts.enter()
        // The thread that starts a process waits for its end: the kernel takes the thread for the parent.
        Thread.detachNewThread { [command] in
            let result = Result { () throws(SetupFailure) in
                try ChildProcess(command, environment: environment, in: folder, childStreams)
            }
            start.change { $0 = result }
            hasStarted.signal()
            if let status = try? result.get().wait() { record.change { $0.status = status } }
            parts.leave()
        }
        hasStarted.wait()
        // The end of a pipe shows only when nobody else has its other end.
        for handle in [ends.output, ends.errors] { try? handle.close() }
        guard let result = start.value else { throw SetupFailure(description: "\(command) did not start") }
        self.process = try result.get()
        self.input = input == nil ? standardInput.fileHandleForWriting : nil
        Self.follow(streams.output == nil ? output : nil, record, parts) { $0.output += $1 }
        Self.follow(streams.errors == nil ? errors : nil, record, parts) { $0.errors += $1 }
        if let input {
            try? standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try? standardInput.fileHandleForWriting.close()
        }
        // Not before: without a reader, writing would raise SIGPIPE.
        try? ends.input.close()
    }

    /// Reads a stream to its end on a thread of its own, which also keeps it open until then.
    /// - Parameter pipe: Nil for a stream that goes elsewhere.
    private static func follow(
        _ pipe: Pipe?,
        _ record: Watched<Record>,
        _ parts: DispatchGroup,
        _ take: @escaping @Sendable (inout Record, String) -> Void
    ) {
        guard let handle = pipe?.fileHandleForReading else { return record.change { $0.endedStreams += 1 } }
        parts.enter()
        Thread.detachNewThread {
            while case let data = handle.availableData, !data.isEmpty {
                let text = String(decoding: data, as: UTF8.self)
                record.change { take(&$0, text) }
            }
            try? handle.close()
            record.change { $0.endedStreams += 1 }
            parts.leave()
        }
    }

    // MARK: - Its end

    /// Returns what has become of it, once it has ended.
    package func end(within limit: Duration = .seconds(30)) async throws -> Record {
        try await self.record.wait(for: "the end of the process", within: limit) { $0.isOver }
        return self.record.value
    }

    /// The same for a thread that may be blocked, and without a limit.
    package func waitUntilEnd() -> Record {
        self.parts.wait()
        return self.record.value
    }

    /// Asks it to end.
    package func terminate() {
        self.signal(SIGTERM)
    }

    /// Ends it at once, and returns when it is gone.
    package func kill() async throws {
        self.signal(SIGKILL)
        try await self.record.wait(for: "the death of the process") { $0.status != nil }
    }

    /// Sends a signal, unless it has ended.
    package func signal(_ number: Int32) {
        self.process.signal(number)
    }

    /// A figure of `/proc/PID/status`, in MB: `VmHWM` is the most memory it ever had.
    package func memory(_ figure: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(self.identifier)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(figure + ":") })
        return try #require(line.firstMatch(of: #/(\d+) kB/#).flatMap { Int($0.1) }) / 1024
    }

    /// Returns what has become of it, once it has ended; kills it when that takes too long.
    package func endOrKill(within limit: Duration) async throws -> Record {
        do {
            return try await self.end(within: limit)
        } catch {
            try await self.kill()
            throw error
        }
    }

    /// Runs a program of this package to its end.
    package static func run(
        _ arguments: [String],
        of name: String = "broadtape",
        environment: [String: String] = [:],
        in folder: TestFolder,
        input: String = "",
        within limit: Duration = .seconds(30)
    ) async throws -> Record {
        try await Program(arguments, of: name, environment: environment, in: folder, input: input)
            .endOrKill(within: limit)
    }
}
