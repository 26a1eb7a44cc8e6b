// SPDX-License-Identifier: Apache-2.0

import Foundation
import SafeText

/// What commands print. A command whose output cannot be written ends there: quietly where nobody reads it any more, as
/// the shell's tools do, and with an error otherwise.
extension StandardStream {
    /// Writes a line; what separates its fields is a tab. Every field is made harmless: it may be from outside.
    package func print(_ fields: String...) {
        self.write(Array((fields.map(Escape.text).joined(separator: "\t") + "\n").utf8))
    }

    /// Writes several lines, each made harmless.
    package func print(lines: some Sequence<String>) {
        self.write(Array(lines.map { Escape.text($0) + "\n" }.joined().utf8))
    }

    /// Writes bytes as they are.
    package func write(_ bytes: [UInt8]) {
        if let error = self.attempt(bytes) { Self.end(error) }
    }

    /// Queues a line beside the output, for a human. Is there before what is printed next, unless the reader blocks it.
    package func tell(_ text: String) {
        self.post(Array((text + "\n").utf8))
        self.flush(within: .milliseconds(200))
    }

    private static func end(_ error: Int32) -> Never {
        if error == EPIPE { Self.endAsByBrokenPipe() }
        let reason = unsafe String(cString: strerror(error))
        StandardStream.error.post(Array("Error: the standard output cannot be written: \(reason)\n".utf8))
        StandardStream.error.flush()
        _exit(EXIT_FAILURE)
    }

    /// By the signal itself, so that a shell sees what it sees of every other tool.
    private static func endAsByBrokenPipe() -> Never {
        _ = signal(SIGPIPE, SIG_DFL)
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        kill(getpid(), SIGPIPE)
        _exit(128 + SIGPIPE)
    }
}
