// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// An exclusive advisory lock on a file beside the tape, held until it is released. The file also stores a record of
/// the tape for the next hub.
///
/// It prevents a second hub from using the tape's *name*; ``DatabaseLock`` protects the file. The system releases both
/// when the process ends, in whatever way; the file itself remains.
final class LockFile: Sendable {
    /// Maximum size that is read.
    private static let capacity = 4096

    /// The record of the previous hub.
    let found: TapeRecord
    /// Nil once it is released.
    private let descriptor: Mutex<Int32?>

    /// Path of the lock file of a tape.
    static func path(forTapeAt path: String) -> String { path + ".lock" }

    /// Locks the tape at a path; the error names the process that holds the lock.
    init(forTapeAt path: String) throws(TapeFault) {
        let lockPath = Self.path(forTapeAt: path)
        let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable("cannot open \(lockPath): \(SystemError.current)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError.current
            let owner = Self.owner(Self.read(descriptor))
            _ = close(descriptor)
            throw error.code == EWOULDBLOCK
                ? .unavailable("the tape \(path) is in use by another hub\(owner), which holds \(lockPath)")
                : .unavailable("cannot lock \(lockPath): \(error)")
        }
        self.found = TapeRecord(parsing: Self.read(descriptor))
        self.descriptor = Mutex(descriptor)
        self.note(self.found)
    }

    deinit {
        self.release()
    }

    /// Releases the lock immediately, even if there are other references to this object.
    func release() {
        guard let descriptor = self.descriptor.withLock({ $0.take() }) else { return }
        // Closing alone would leave the lock to a child process that is between fork and exec.
        _ = flock(descriptor, LOCK_UN)
        _ = close(descriptor)
    }

    /// Writes a record with this process's ID for the next hub that opens the tape.
    ///
    /// It helps to detect problems between two hubs; a failed write does not affect this one.
    func note(_ record: TapeRecord) {
        let bytes = Array("\(getpid())\n\(record.text)".utf8)
        self.descriptor.withLock { descriptor in
            guard let descriptor, ftruncate(descriptor, 0) == 0 else { return }
            _ = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
            _ = fsync(descriptor)
        }
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: Self.capacity)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private static func owner(_ text: String) -> String {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }.prefix(20)
        return digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
    }
}
