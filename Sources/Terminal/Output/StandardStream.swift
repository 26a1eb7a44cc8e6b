// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Synchronization

/// The standard output or the standard error: the only way in which a program of this package writes to them. Nothing
/// here traps, whatever is at the other end: a full disk, a pipe that nobody reads, nothing at all.
///
/// What a command prints is written at once, and the command ends where that cannot be done (``write(_:)``). Output
/// beside other work, such as a log, is queued (``post(_:)``): a thread of its own writes it, and the caller never
/// waits. At most ``limit`` bytes wait; lines beyond that are dropped and counted, the newest, because the older ones say
/// how it began. Also dropped is what cannot be written. When writing works again a line says how many there were.
package final class StandardStream: Sendable {
    package static let output = StandardStream(STDOUT_FILENO)
    package static let error = StandardStream(STDERR_FILENO)

    /// Bytes that wait at most.
    package static let limit = 1 << 20
    /// Between two attempts to write where it does not work.
    private static let retry: TimeInterval = 1

    private struct State {
        /// Whole lines.
        var waiting: [UInt8] = []
        /// Bytes that the thread has taken and not written yet; they wait as well.
        var inFlight = 0
        var isWriting = false
        /// Whether the last attempt failed.
        var isFailing = false
        /// Whether a line was begun and could not be finished.
        var isCut = false
        var hasThread = false
        /// All lines that were dropped, and those of them that no line has reported.
        var dropped = 0
        var unreported = 0
        var flushes: [DispatchSemaphore] = []
        var notice: @Sendable (Int) -> [UInt8] = { Array("\($0) lines were dropped\n".utf8) }
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    /// Held while a line is written at once, so that lines of several threads do not mix.
    private let direct = Mutex<Void>(())

    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Called before anything is opened.
    static func prepare() {
        // Writing to a pipe that nobody reads is an error like others.
        _ = signal(SIGPIPE, SIG_IGN)
        // Of a stream that is closed the next file that is opened would get the number, and the log would go into it: the
        // database, perhaps. Writing to what is there instead is an error.
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe open("/dev/null", O_RDONLY)
        }
    }

    // MARK: - Queued

    /// Makes the line that tells how many were dropped, with its end.
    package func noticeDrops(with notice: @escaping @Sendable (Int) -> [UInt8]) {
        self.state.withLock { $0.notice = notice }
    }

    /// How many lines have been dropped.
    package var dropped: Int {
        self.state.withLock { $0.dropped }
    }

    /// Queues whole lines. Never waits for the reader.
    package func post(_ lines: [UInt8]) {
        let (isFirst, isStarted) = self.state.withLock { state in
            // While the thread writes it needs no call: it looks again afterwards.
            let isFirst = state.waiting.isEmpty && !state.isWriting
            if state.waiting.count + state.inFlight + lines.count > Self.limit {
                let count = Self.count(of: lines[...])
                state.dropped += count
                state.unreported += count
            } else {
                state.waiting += lines
            }
            defer { state.hasThread = true }
            return (isFirst, state.hasThread)
        }
        if !isStarted { Thread.detachNewThread { self.writeForEver() } }
        if isFirst { self.wakeUp.signal() }
    }

    /// Waits until everything that was posted is written, or cannot be, or the time is over. Blocks the thread: for the
    /// end of a program.
    package func flush(within time: Duration = .seconds(2)) {
        let done = DispatchSemaphore(value: 0)
        let isDone = self.state.withLock { state in
            let isDone = !state.isWriting && state.waiting.isEmpty && state.unreported == 0
            guard !isDone, !state.isFailing else { return true }
            state.flushes.append(done)
            return false
        }
        if !isDone { _ = done.wait(timeout: .now() + .milliseconds(time.wholeMilliseconds)) }
    }

    private func writeForEver() {
        while true {
            if self.state.withLock({ $0.isFailing }) {
                Thread.sleep(forTimeInterval: Self.retry)
            } else {
                self.wakeUp.wait()
            }
            self.writeWaiting()
        }
    }

    /// Writes what waits, and the count of lines that were dropped.
    private func writeWaiting() {
        while true {
            let (lines, isCut, reported, notice) = self.state.withLock { state in
                let lines = state.waiting
                state.waiting = []
                state.inFlight = lines.count
                state.isWriting = !lines.isEmpty || state.unreported > 0
                if !state.isWriting { Self.endFlushes(&state) }
                return (lines, state.isCut, state.unreported, state.notice)
            }
            guard !lines.isEmpty || reported > 0 else { return }
            // A line that was cut off ends before the next begins.
            let end = isCut ? [UInt8(ascii: "\n")] : []
            let bytes = end + lines + (reported > 0 ? notice(reported) : [])
            let written = self.writeAll(bytes)
            let hasFailed = self.state.withLock { state in
                state.isWriting = false
                state.inFlight = 0
                state.isFailing = written.error != nil
                // What was written whole may be a line that continues, as progress does.
                state.isCut = state.isFailing && Self.isCut(bytes[..<written.count], after: isCut)
                if state.isFailing {
                    let lost = Self.count(of: lines.dropFirst(max(0, written.count - end.count)))
                    state.dropped += lost
                    state.unreported += lost
                    Self.endFlushes(&state)
                } else {
                    state.unreported -= reported
                }
                return state.isFailing
            }
            guard !hasFailed else { return }
        }
    }

    private static func isCut(_ written: ArraySlice<UInt8>, after wasCut: Bool) -> Bool {
        written.last.map { $0 != UInt8(ascii: "\n") } ?? wasCut
    }

    private static func endFlushes(_ state: inout State) {
        state.flushes.forEach { $0.signal() }
        state.flushes = []
    }

    private static func count(of lines: ArraySlice<UInt8>) -> Int {
        lines.count { $0 == UInt8(ascii: "\n") }
    }

    // MARK: - At once

    /// Writes, and waits for the reader.
    /// - Returns: Why that cannot be done, as `errno` says; nil when it is done.
    package func attempt(_ bytes: [UInt8]) -> Int32? {
        self.direct.withLock { _ in self.writeAll(bytes).error }
    }

    private func writeAll(_ bytes: [UInt8]) -> (count: Int, error: Int32?) {
        var count = 0
        while count < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Foundation.write(
                    self.descriptor,
                    buffer.baseAddress?.advanced(by: count),
                    buffer.count - count
                )
            }
            if written >= 0 {
                count += written
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Somebody else who has the descriptor does not want to wait; here there is nothing else to do.
                var wanted = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&wanted, 1, -1)
            case let error: return (count, error)
            }
        }
        return (count, nil)
    }
}
