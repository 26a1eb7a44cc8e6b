// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Commands of a shell that must succeed.
enum Shell {
    static func run(_ command: String, in folder: TestFolder) throws {
        try #require(try shell(command, in: folder) == 0, "\(command)")
    }

    /// Whether a command can be run here.
    static func succeeds(_ command: String) -> Bool {
        (try? shell(command)) == 0
    }
}
