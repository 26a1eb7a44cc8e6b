// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs a command in a shell and returns its status.
///
/// Files that this process has open in SQLite are touched by other processes only: closing a file here would drop
/// SQLite's locks on it.
@discardableResult
func shell(_ command: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}
