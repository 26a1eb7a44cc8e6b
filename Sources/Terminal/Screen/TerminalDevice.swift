// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The terminal behind a descriptor.
package enum TerminalDevice {
    /// The size that is used where the terminal does not report one.
    package static let usualSize = (columns: 80, rows: 24)

    package static func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1
    }

    /// The present size; it may change at any time.
    package static func size(of descriptor: Int32) -> (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return self.usualSize
        }
        return (Int(clamping: size.ws_col), Int(clamping: size.ws_row))
    }
}
