// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import HubTestSupport
import Testing

/// A program of this package, running as a process of its own.
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
    package let identifier: pid_t

    /// Where the programs are: beside the tests, unless `BROADTAPE_PROGRAMS` says otherwise.
    package static let folder =
        ProcessInfo.processInfo.environment["BROADTAPE_PROGRAMS"].map { URL(fileURLWithPath: $0) }
        ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()

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

    /// A program that is not of this package.
    package init(
        at executable: URL,
        _ arguments: [String],
        environment: [String: String] = [:],
        in folder: TestFolder,
        input: String = "",
        streams: (output: FileHandle?, errors: FileHandle?) = (nil, nil)
    ) throws {
        let process = Process()
        let (output, errors, standardInput) = (Pipe(), Pipe(), Pipe())
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment.merging(["HOME": folder.path, "PATH": "/usr/bin:/bin"]) { given, _ in given }
        process.currentDirectoryURL = folder.url
        process.standardOutput = streams.output ?? output
        process.standardError = streams.errors ?? errors
        process.standardInput = standardInput
        let record = self.record
        process.terminationHandler = { process in
            let status = process.terminationStatus
            record.change { $0.status = process.terminationReason == .exit ? status : -status }
        }
        Self.follow(streams.output == nil ? output : nil) { text in
            record.change { $0.output += text }
        } atEnd: {
            record.change { $0.endedStreams += 1 }
        }
        Self.follow(streams.errors == nil ? errors : nil) { text in
            record.change { $0.errors += text }
        } atEnd: {
            record.change { $0.endedStreams += 1 }
        }
        try Self.launch(process)
        self.identifier = process.processIdentifier
        // The end of a pipe shows only when nobody else has its other end.
        try? streams.output?.close()
        try? streams.errors?.close()
        try? standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try? standardInput.fileHandleForWriting.close()
    }

    /// Starts a process with no signal held back: the threads of pools hold back all of them, and hand that on, also to
    /// what a script starts in its turn. Nothing of that could then be asked to end.
    private static func launch(_ process: Process) throws {
        var none = sigset_t()
        var before = sigset_t()
        _ = unsafe sigemptyset(&none)
        _ = unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    /// Reads a stream to its end on a thread of its own, which also keeps it open until then.
    /// - Parameter pipe: Nil for a stream that goes elsewhere.
    private static func follow(
        _ pipe: Pipe?,
        _ take: @escaping @Sendable (String) -> Void,
        atEnd end: @escaping @Sendable () -> Void
    ) {
        guard let handle = pipe?.fileHandleForReading else { return end() }
        Thread.detachNewThread {
            while true {
                let data = handle.availableData
                guard !data.isEmpty else { break }
                take(String(decoding: data, as: UTF8.self))
            }
            end()
        }
    }

    /// Returns what has become of it, once it has ended.
    package func end(within limit: Duration = .seconds(30)) async throws -> Record {
        try await self.record.wait(for: "the end of the process", within: limit) { $0.isOver }
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

    package func signal(_ number: Int32) {
        // Once it has been waited for, its number may be another's.
        guard self.record.value.status == nil else { return }
        Foundation.kill(self.identifier, number)
    }

    /// A figure of `/proc/PID/status`, in MB: `VmHWM` is the most memory it ever had.
    package func memory(_ figure: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(self.identifier)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(figure + ":") })
        return try #require(line.firstMatch(of: #/(\d+) kB/#).flatMap { Int($0.1) }) / 1024
    }

    /// Runs a program to its end.
    package static func run(
        _ arguments: [String],
        of name: String = "broadtape",
        environment: [String: String] = [:],
        in folder: TestFolder,
        input: String = "",
        within limit: Duration = .seconds(30)
    ) async throws -> Record {
        let program = try Program(arguments, of: name, environment: environment, in: folder, input: input)
        do {
            return try await program.end(within: limit)
        } catch {
            try await program.kill()
            throw error
        }
    }
}
