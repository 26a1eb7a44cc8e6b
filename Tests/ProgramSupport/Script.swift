// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Testing

/// Scripts of the tests, run by what `make test` installs.
package enum Script {
    /// The folder of the package.
    package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Runs a Python script in the environment of the tests (`make peers`) to its end.
    /// - Parameters:
    ///   - path: From the package's folder, such as `Tests/Browser/browser.py`.
    ///   - environment: In place of the tests' own.
    ///   - limit: After which the script is killed and the wait throws.
    package static func python(
        _ path: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        in folder: TestFolder,
        within limit: Duration = .seconds(60)
    ) async throws -> Program.Record {
        try await Self.run(
            Self.root.appendingPathComponent(".build/peers/bin/python"),
            [Self.root.appendingPathComponent(path).path] + arguments,
            // Without it the folders of the scripts gather caches.
            environment: ["PYTHONDONTWRITEBYTECODE": "1"].merging(environment) { _, given in given },
            in: folder,
            within: limit,
            ifMissing: "run `make peers`"
        )
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
        try await Self.run(
            URL(fileURLWithPath: "/usr/bin/node"),
            [Self.root.appendingPathComponent(path).path] + arguments,
            environment: environment,
            in: folder,
            within: limit,
            ifMissing: "run `make test-tools`"
        )
    }

    /// Starts a script under Node.
    /// - Parameter path: From the package's folder.
    package static func startNode(_ path: String, _ arguments: [String], in folder: TestFolder) throws -> Program {
        let node = URL(fileURLWithPath: "/usr/bin/node")
        try #require(FileManager.default.isExecutableFile(atPath: node.path), "there is no node: run `make test-tools`")
        return try Program(at: node, [Self.root.appendingPathComponent(path).path] + arguments, in: folder)
    }

    private static func run(
        _ interpreter: URL,
        _ arguments: [String],
        environment: [String: String],
        in folder: TestFolder,
        within limit: Duration,
        ifMissing advice: String
    ) async throws -> Program.Record {
        try #require(
            FileManager.default.isExecutableFile(atPath: interpreter.path),
            "there is no \(interpreter.path): \(advice)"
        )
        let program = try Program(at: interpreter, arguments, environment: environment, in: folder)
        do {
            return try await program.end(within: limit)
        } catch {
            try await program.kill()
            throw error
        }
    }
}
