// SPDX-License-Identifier: Apache-2.0

import Foundation
import LoadKit
import Synchronization

/// The standard error: a line that changes on a terminal, a line every few seconds elsewhere.
final class Output: Sendable {
    /// How often a line is written where lines cannot be replaced, in seconds.
    private static let period = 5.0

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let lastShown = Mutex(0.0)

    func show(_ progress: Headway) {
        if self.isTerminal {
            return self.write("\r\u{1B}[K\(progress.line)")
        }
        let isDue = self.lastShown.withLock { last in
            guard progress.seconds - last >= Self.period else { return false }
            last = progress.seconds
            return true
        }
        if isDue { self.write(progress.line + "\n") }
    }

    /// Takes the changing line away.
    func clear() {
        if self.isTerminal { self.write("\r\u{1B}[K") }
    }

    func complain(_ text: String) {
        self.write("broadtape-load: \(text)\n")
    }

    private func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
