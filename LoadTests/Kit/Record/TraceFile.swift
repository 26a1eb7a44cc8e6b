// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import NIOCore
import Synchronization

/// The file of a recording.
final class TraceFile: Sendable {
    private struct State: Sendable {
        var recording = Recording()
        var bytes = 0
        var failure: RunError?
    }

    private let path: String
    private let handle: FileHandle
    private let state = Mutex(State())

    /// Begins a new file, which must not exist.
    init(path: String) throws(RunError) {
        self.path = path
        guard !FileManager.default.fileExists(atPath: path) else {
            throw .unexpected("\(path) exists; name a new file")
        }
        do {
            try Data().write(to: URL(fileURLWithPath: path))
            self.handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        } catch {
            throw .unexpected("cannot write \(path): \(error.localizedDescription)")
        }
    }

    /// Takes an event, and writes those before it that are complete.
    func take(_ event: Event) {
        self.change { $0.recording.take(event, now: NIODeadline.now().uptimeNanoseconds) }
    }

    /// Writes what is complete.
    func release() {
        self.change { $0.recording.release(now: NIODeadline.now().uptimeNanoseconds) }
    }

    private func change(_ lines: (inout State) -> [UInt8]) {
        self.state.withLock { state in
            guard state.failure == nil else { return }
            let bytes = lines(&state)
            guard !bytes.isEmpty else { return }
            do {
                try self.handle.write(contentsOf: Data(bytes))
                state.bytes += bytes.count
            } catch {
                state.failure = .unexpected("cannot write \(self.path): \(error.localizedDescription)")
            }
        }
    }

    var hasFailed: Bool { self.state.withLock { $0.failure != nil } }

    var written: (lines: Int, merged: Int, bytes: Int) {
        self.state.withLock { ($0.recording.lines, $0.recording.merged, $0.bytes) }
    }

    /// Writes what is left.
    /// - Returns: What went wrong, if anything did.
    func close() -> [RunError] {
        self.change { $0.recording.finish() }
        try? self.handle.close()
        return self.state.withLock { $0.failure.map { [$0] } ?? [] }
    }
}
