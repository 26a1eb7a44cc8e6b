// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Runs the examples of a document as written, in an empty folder.
///
/// Invisible comments before the examples say how to use them:
/// - `<!-- run -->`: runs to its end and must succeed. What it exports, and its folder, stay for the next ones.
/// - `<!-- run: serve -->`: keeps running during the rest, which waits until the hub is ready. What it asks to paste
///   (lines of `export`) is pasted.
/// - `<!-- run: follow -->`: keeps running in another terminal during the rest.
/// - `<!-- shows -->`: each line is in the output of the example before, `…` for anything.
/// - `<!-- shows: follow -->`: the same for what was followed last, after waiting for it.
/// - `<!-- file: NAME -->`: is written to a file.
///
/// Only the hub's ports are changed, and `make run` does not build.
struct Walkthrough {
    private static let servePort = "127.0.0.1:8080"
    private static let adminPort = "127.0.0.1:8081"
    private static let bash = URL(fileURLWithPath: "/bin/bash")
    private static let curl = URL(fileURLWithPath: "/usr/bin/curl")

    private let folder: TestFolder
    /// What is not the reader's: remembered variables, scripts.
    private let notes: TestFolder
    private let ports: [Int]
    private var background: [Program] = []
    private var lastRun: Program.Record?
    private var lastFollowed: Program?
    private var pasted = ""
    private var count = 0

    /// Runs all examples; ends what still runs at the end, also after an error.
    static func run(_ document: Document) async throws {
        try await withFolder { folder in
            try await withFolder { notes in
                var walkthrough = try await Walkthrough(folder, notes)
                let result: Result<Void, any Error>
                do {
                    for example in document.examples where example.mark != nil {
                        try await walkthrough.perform(example, of: document)
                    }
                    result = .success(())
                } catch {
                    result = .failure(error)
                }
                for program in walkthrough.background { try await program.kill() }
                try result.get()
            }
        }
    }

    private init(_ folder: TestFolder, _ notes: TestFolder) async throws {
        self.folder = folder
        self.notes = notes
        var ports: [Int] = []
        while ports.count < 2 {
            let port = Int.random(in: 21_000..<32_000)
            let probe = try Program(
                at: Self.bash,
                ["-c", "! (exec 3<>/dev/tcp/127.0.0.1/\(port)) 2>/dev/null"],
                in: notes
            )
            if try await probe.end().status == 0, !ports.contains(port) { ports.append(port) }
        }
        self.ports = ports
        let demo = Document.root.appending(path: "config/demo.ndjson").path
        try notes.write(
            "#!/bin/bash\n[ \"$1\" = run ] || exit 2\nexec broadtape serve --demo '\(demo)'\n",
            to: "make"
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: notes.path("make"))
        try notes.write("", to: "state")
    }

    private mutating func perform(_ example: Document.Example, of document: Document) async throws {
        let place = "\(document.path):\(example.line)"
        let text = example.text
            .replacing(Self.servePort, with: "127.0.0.1:\(self.ports[0])")
            .replacing(Self.adminPort, with: "127.0.0.1:\(self.ports[1])")
        let mark = example.mark ?? ""
        switch mark {
        case "run":
            let program = try self.start(example.language, text, isLasting: false)
            do {
                let record = try await program.end()
                self.lastRun = record
                #expect(record.status == 0, "\(place): \(record)")
            } catch {
                try await program.kill()
                throw error
            }
        case "run: serve":
            let program = try self.start(example.language, text, isLasting: true)
            self.background.append(program)
            try await self.awaitHub(program, place)
        case "run: follow":
            let program = try self.start(example.language, text, isLasting: true)
            self.background.append(program)
            self.lastFollowed = program
        case "shows":
            let record = try #require(self.lastRun, "\(place): nothing was run before")
            #expect(Self.shows(text, record), "\(place): it showed \(record)")
        case "shows: follow":
            let program = try #require(self.lastFollowed, "\(place): nothing is followed")
            try await program.record.wait(for: "what \(place) shows") { Self.shows(text, $0) }
        case _ where mark.hasPrefix("file: "):
            try self.folder.write(text, to: String(mark.dropFirst("file: ".count)))
        case "check-config": break
        default: Issue.record("\(place): there is no mark \"\(mark)\"")
        }
    }

    /// Waits for readiness, and pastes what the hub asks to paste.
    private mutating func awaitHub(_ program: Program, _ place: String) async throws {
        let url = "http://127.0.0.1:\(self.ports[0])/health/ready"
        try await eventually("\(place): the hub is ready") {
            let record = program.record.value
            try #require(record.status == nil, "\(place): \(record)")
            let probe = try Program(at: Self.curl, ["-fs", "-o", "/dev/null", url], in: self.notes)
            return try await probe.end().status == 0
        }
        guard program.record.value.output.contains("Broadtape listens on") else { return }
        try await program.record.wait(for: "what to paste") { $0.output.contains("export BROADTAPE_TOKEN=") }
        self.pasted =
            program.record.value.lines.filter { $0.contains("export BROADTAPE_") }
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
    }

    /// - Parameter isLasting: Whether it runs until it is ended: then it is one command, which replaces the shell.
    private mutating func start(_ language: String, _ text: String, isLasting: Bool) throws -> Program {
        self.count += 1
        var command = text
        if language == "python" {
            let path = try self.notes.write(text, to: "example-\(self.count).py")
            command = "python3 -u '\(path)'"
        }
        let state = self.notes.path("state")
        let script = """
            set -euo pipefail
            source '\(state)'
            \(self.pasted)
            \(isLasting ? "exec " : "")\(command)
            {
                declare -px | grep -E '^declare -x (BROADTAPE_[A-Z_]*|TOKEN|SECRET)=' || true
                printf 'cd %q\\n' "$PWD"
            } > '\(state)'
            """
        let root = Document.root.path
        let programs = Program.folder.path
        return try Program(
            at: Self.bash,
            ["-c", script],
            environment: [
                "PATH": "\(self.notes.path):\(programs):\(root)/.build/peers/bin:/usr/local/bin:/usr/bin:/bin",
                "BROADTAPE_PORT": "\(self.ports[0])", "BROADTAPE_ADMIN_PORT": "\(self.ports[1])",
                "BROADTAPE_URL": "http://127.0.0.1:\(self.ports[0])",
                "BROADTAPE_ADMIN_URL": "http://127.0.0.1:\(self.ports[1])",
            ],
            in: self.folder
        )
    }

    /// Whether each line of a text is in an output.
    private static func shows(_ text: String, _ record: Program.Record) -> Bool {
        let lines = (record.lines + record.errors.split(separator: "\n").map(String.init)).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        let wanted = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        return wanted.filter { !$0.isEmpty }.allSatisfy { pattern in
            lines.contains { Self.matches($0, pattern.split(separator: "…", omittingEmptySubsequences: false)) }
        }
    }

    /// Whether a line consists of these parts with anything between them.
    private static func matches(_ line: String, _ parts: [Substring]) -> Bool {
        guard let first = parts.first, let last = parts.last else { return false }
        guard parts.count > 1 else { return line == first }
        guard line.hasPrefix(first), line.hasSuffix(last), line.count >= first.count + last.count else { return false }
        var rest = line.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.range(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }
}
