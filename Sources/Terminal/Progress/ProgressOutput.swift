// SPDX-License-Identifier: Apache-2.0

import Foundation
import SafeText
import Synchronization

/// Shows progress on standard error: as a bar on a terminal, as a line every few seconds elsewhere, not at all when
/// quiet. From any thread, as often as one likes.
package final class ProgressOutput: Sendable {
    private let line: Mutex<ProgressLine>

    package init(isQuiet: Bool = false) {
        let style: ProgressLine.Style =
            isQuiet ? .silent : TerminalDevice.isTerminal(STDERR_FILENO) ? .bar : .lines
        self.line = Mutex(ProgressLine(style))
    }

    package func show(_ advance: Advance) {
        // Written under the lock, so that what is decided later is not written earlier.
        self.line.withLock { line in
            let width = TerminalDevice.size(of: STDERR_FILENO).columns
            if let text = line.advanced(advance, at: .now, width: width) { Self.write(text) }
        }
    }

    /// Clears the bar: before something else is written to the terminal, and at the end.
    package func clear() {
        self.line.withLock { line in
            if let text = line.cleared() { Self.write(text) }
        }
        // What is printed next is not to be taken away with it.
        StandardStream.error.flush(within: .milliseconds(200))
    }

    /// Writes a line of its own to standard error.
    package func say(_ text: String) {
        self.line.withLock { line in
            Self.write((line.cleared() ?? "") + Escape.text(text) + "\n")
        }
        StandardStream.error.flush(within: .milliseconds(200))
    }

    /// Its reader may be gone; that is no reason to end the work, nor to wait.
    private static func write(_ text: String) {
        StandardStream.error.post(Array(text.utf8))
    }
}
