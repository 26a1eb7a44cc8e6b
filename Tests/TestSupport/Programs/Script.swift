// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Testing

/// Scripts of the tests, run by what `make test` installs.
package enum Script {
    /// The folder of the package.
    package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Without it the folders of the scripts gather caches.
    private static let withoutCaches = ["PYTHONDONTWRITEBYTECODE": "1"]

    /// Runs a Python script in the environment of the tests (`make peers`) to its end.
    /// - Parameters:
    ///   - path: From the package's folder, such as `Tests/System/Browser/browser.py`.
    ///   - environment: In place of the tests' own.
    ///   - limit: After which the script is killed and the wait throws.
    package static func python(
        _ path: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        in folder: TestFolder,
        within limit: Duration = .seconds(60)
    ) async throws -> Program.Record {
        try await Program(
            at: URL(fileURLWithPath: try Self.python()),
            [Self.path(path)] + arguments,
            environment: Self.withoutCaches.merging(environment) { _, given in given },
            in: folder
        ).endOrKill(within: limit)
    }

    /// Runs a script under Node to its end.
    /// - Parameter path: From the package's folder.
    package static func node(
        _ path: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        in folder: TestFolder,
        within limit: Duration = .seconds(60)
    ) async throws -> Program.Record {
        try await Self.startNode(path, arguments, environment: environment, in: folder).endOrKill(within: limit)
    }

    /// Starts a script under Node.
    /// - Parameter path: From the package's folder.
    package static func startNode(
        _ path: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        in folder: TestFolder
    ) throws -> Program {
        let node = try Self.interpreter("/usr/bin/node", "make test-tools")
        return try Program(
            at: URL(fileURLWithPath: node),
            [Self.path(path)] + arguments,
            environment: environment,
            in: folder
        )
    }

    /// Runs a body with a peer, which prints the port it listens on and ends with its input, and ends it afterwards.
    /// - Parameters:
    ///   - path: From `Tests/System/Peers`.
    ///   - needsPackages: Whether the system's Python is not enough.
    package static func withPeer<Result>(
        _ path: String,
        _ arguments: [String],
        needsPackages: Bool = false,
        _ body: (Program, _ port: Int) async throws -> Result
    ) async throws -> Result {
        let peer = try Program(
            [needsPackages ? try Self.python() : "python3", Self.path("Tests/System/Peers/\(path)")] + arguments,
            environment: ProcessInfo.processInfo.environment.merging(Self.withoutCaches) { $1 },
            input: nil
        )
        do {
            try await peer.record.wait(for: "\(path) to listen", within: .seconds(60)) { record in
                record.status != nil || record.output.contains("\n")
            }
            let port = try #require(peer.record.value.lines.first.flatMap { Int($0) }, "\(peer.record.value)")
            let result = try await body(peer, port)
            try await peer.kill()
            return result
        } catch {
            try await peer.kill()
            throw error
        }
    }

    /// The Python that has what the scripts need.
    package static func python() throws -> String {
        try Self.interpreter(Self.path(".build/peers/bin/python"), "make peers")
    }

    private static func interpreter(_ path: String, _ command: String) throws -> String {
        try #require(FileManager.default.isExecutableFile(atPath: path), "there is no \(path): run `\(command)`")
        return path
    }

    private static func path(_ path: String) -> String {
        Self.root.appendingPathComponent(path).path
    }
}

/// Runs a command in a shell to its end and returns its status: what an operator, or an accident, does to files.
///
/// Files that this process has open in SQLite are touched by other processes only: closing a file here would drop
/// SQLite's locks on it. Blocks the thread.
@discardableResult
package func shell(_ command: String, in folder: TestFolder? = nil) throws -> Int32 {
    let command = "PATH=$PATH:/usr/sbin:/sbin; \(command)"
    return try Program(["/bin/sh", "-c", command], in: folder?.path).waitUntilEnd().status ?? .min
}
