// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// The whole terminal, for something that is redrawn repeatedly. Its content is restored at the end.
///
/// While it is open, keys arrive one by one and are not echoed (``readKeys(_:)``), including Ctrl-C.
package final class Screen: Sendable {
    private static let ctrlC: UInt8 = 0x03
    /// The alternate screen, without a cursor.
    private static let opening = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J"
    private static let closing = "\u{1B}[?25h\u{1B}[?1049l"
    /// Keys that are not read yet; beyond it keys are lost.
    private static let waitingKeys = 64

    /// The terminal attributes before; nil once they are restored.
    private let before: Mutex<termios?>

    /// Nil where standard input or output is not a terminal.
    package init?() {
        var attributes = termios()
        guard TerminalDevice.isTerminal(STDOUT_FILENO), unsafe tcgetattr(STDIN_FILENO, &attributes) == 0 else {
            return nil
        }
        self.before = Mutex(attributes)
        attributes.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        guard unsafe tcsetattr(STDIN_FILENO, TCSANOW, &attributes) == 0 else { return nil }
        Self.write(Self.opening)
    }

    deinit {
        self.close()
    }

    /// Restores the terminal. May be called more than once.
    package func close() {
        self.before.withLock { before in
            guard var attributes = before else { return }
            before = nil
            Self.write(Self.closing)
            // Keys typed meanwhile are not meant for the next program that reads.
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &attributes)
        }
    }

    package var size: (columns: Int, rows: Int) {
        TerminalDevice.size(of: STDOUT_FILENO)
    }

    /// Draws lines from the top and clears the rest. Each is cut to the width.
    package func show(_ lines: [String]) {
        let size = self.size
        // One write, and each line cleared after it was written: nothing flickers.
        var text = "\u{1B}[H"
        for (index, line) in lines.prefix(size.rows).enumerated() {
            if index > 0 { text += "\r\n" }
            text += Text.cut(line, to: size.columns) + "\u{1B}[K"
        }
        Self.write(text + "\u{1B}[J")
    }

    /// Reports keys as they are pressed, until the end of the input, Ctrl-C, or cancellation.
    package func readKeys(_ take: (UInt8) -> Void) async {
        let (keys, continuation) = AsyncStream.makeStream(
            of: UInt8.self,
            bufferingPolicy: .bufferingOldest(Self.waitingKeys)
        )
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: .global())
        source.setEventHandler {
            var bytes = [UInt8](repeating: 0, count: Self.waitingKeys)
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else {
                if count == 0 || errno != EINTR { continuation.finish() }
                return
            }
            for byte in bytes.prefix(count) {
                if byte == Self.ctrlC { return continuation.finish() }
                continuation.yield(byte)
            }
        }
        source.resume()
        for await key in keys { take(key) }
        source.cancel()
    }

    /// A terminal that is gone ends the reading of keys.
    private static func write(_ text: String) {
        _ = StandardStream.output.attempt(Array(text.utf8))
    }
}

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
