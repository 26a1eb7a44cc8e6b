// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is at the other end of a descriptor.
package enum TerminalDevice {
    /// What is taken where nobody says how large the terminal is.
    package static let usualSize = (columns: 80, rows: 24)

    package static func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1
    }

    /// How large it is now; it may change at any time.
    package static func size(of descriptor: Int32) -> (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return self.usualSize
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
