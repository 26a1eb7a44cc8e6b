// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// An exclusive advisory lock on a file beside the tape, held until it is dropped, and what that file remembers of the
/// tape from one hub to the next.
///
/// It keeps a second hub from the tape's *name*; ``DatabaseLock`` keeps it from the file. The system drops both when the
/// process dies, however it dies; the file itself stays.
final class LockFile: Sendable {
    /// Longest text that is read back.
    private static let capacity = 4096

    /// What the hub before has left.
    let found: TapeRecord
    /// Nil once it is released.
    private let descriptor: Mutex<Int32?>

    /// Where the lock file of a tape is.
    static func path(forTapeAt path: String) -> String { path + ".lock" }

    /// Takes the lock of the tape at a path, or says who has it.
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

    /// Lets another hub have the tape, at once: whoever else refers to this may let go of it later.
    func release() {
        guard let descriptor = self.descriptor.withLock({ $0.take() }) else { return }
        // Closing alone would leave the lock to a child process that is between fork and exec.
        _ = flock(descriptor, LOCK_UN)
        _ = close(descriptor)
    }

    /// Leaves a record, beside this process's number, to whoever opens the tape next.
    ///
    /// It helps to notice what went wrong between two hubs; failure to write it does not matter to this one.
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
