// SPDX-License-Identifier: Apache-2.0

import Foundation
import LoadKit

/// The standard error: complaints, and on a terminal a line that changes.
final class Output: Sendable {
    private let isTerminal = isatty(STDERR_FILENO) == 1

    func show(_ progress: Headway) {
        if self.isTerminal { self.write("\r\u{1B}[K\(progress.line)") }
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
