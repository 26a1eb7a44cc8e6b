// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProgramSupport

/// Commands of a shell: what an operator, or an accident, does to files.
enum Shell {
    struct Failure: Error {
        var command: String
        var status: Int32
    }

    static func run(_ command: String, in folder: TestFolder) throws {
        let status = try Self.status(command, in: folder.url)
        guard status == 0 else { throw Failure(command: command, status: status) }
    }

    /// Whether a command can be run here.
    static func succeeds(_ command: String) -> Bool {
        (try? Self.status(command, in: FileManager.default.temporaryDirectory)) == 0
    }

    private static func status(_ command: String, in folder: URL) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "export PATH=$PATH:/usr/sbin:/sbin; { \(command); } > /dev/null 2>&1"]
        process.currentDirectoryURL = folder
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
