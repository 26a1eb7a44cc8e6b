// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// Ctrl-C and SIGTERM, for what runs until then.
enum Interruption {
    /// Returns when the process was asked to end, or the task was cancelled.
    static func wait() async {
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
        let sources = [SIGINT, SIGTERM].map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield() }
            source.resume()
            return source
        }
        for await _ in signals { break }
        for source in sources { source.cancel() }
    }
}
