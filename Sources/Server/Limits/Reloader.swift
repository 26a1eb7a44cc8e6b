// SPDX-License-Identifier: Apache-2.0

package import Logging
import NIOCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Reloads files when they change or on request.
package final class Reloader: Sendable {
    /// State of a file; any difference is a change. Renaming another file over it changes the inode number.
    private struct FileState: Equatable {
        var seconds = 0
        var nanoseconds = 0
        var size = 0
        var number: UInt64 = 0

        /// All zero for a file that cannot be read.
        init(_ path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return }
            #if canImport(Darwin)
            let modified = status.st_mtimespec
            #else
            let modified = status.st_mtim
            #endif
            self.seconds = modified.tv_sec
            self.nanoseconds = modified.tv_nsec
            self.size = Int(clamping: status.st_size)
            self.number = UInt64(clamping: status.st_ino)
        }
    }

    private let things: [any Reloading]
    /// The state of the files of each at the beginning, so that a change before ``run(requests:)`` is noticed too.
    private let states: [[FileState]]
    private let interval: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - interval: Polling interval.
    package init(_ things: [any Reloading], interval: Duration = .seconds(5), logger: Logger) {
        self.things = things
        self.states = things.map { $0.paths.map(FileState.init) }
        self.interval = interval
        self.logger = logger
    }

    /// Watches the files until cancelled.
    /// - Parameter requests: Each element reloads all files, changed or not.
    package func run(requests: some AsyncSequence<Void, Never> & Sendable) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watch() }
            for await _ in requests {
                for thing in self.things { self.reload(thing) }
            }
            group.cancelAll()
        }
    }

    /// Concurrent reloads, by request and because of a change, are harmless: both read the current files.
    private func watch() async {
        var states = self.states
        while !Task.isCancelled {
            try? await Task.sleep(for: self.interval)
            for (index, thing) in self.things.enumerated() {
                let state = thing.paths.map(FileState.init)
                guard state != states[index], !Task.isCancelled else { continue }
                // Invalid files are tried again when they change, not at every poll.
                states[index] = state
                self.reload(thing)
            }
        }
    }

    private func reload(_ thing: any Reloading) {
        let files = thing.paths.joined(separator: " ")
        do {
            try thing.reload()
            self.logger.info("files reloaded", metadata: ["files": "\(files)"])
        } catch {
            self.logger.error(
                "changed files cannot be used; the previous content stays in use",
                metadata: ["files": "\(files)", "error": "\(error)"]
            )
        }
    }
}
