// SPDX-License-Identifier: Apache-2.0

import Hub
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// An exclusive advisory lock on a file beside the tape, held until it is dropped: one hub per file.
///
/// The system drops it when the process dies, however it dies; the file itself stays.
final class LockFile: Sendable {
    /// Nil once it is released.
    private let descriptor: Mutex<Int32?>

    /// Takes the lock of the tape at a path, or says who has it.
    init(forTapeAt path: String) throws(TapeFault) {
        let lockPath = path + ".lock"
        let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable("cannot open \(lockPath): \(SystemError.current)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError.current
            let owner = Self.read(descriptor)
            _ = close(descriptor)
            throw error.code == EWOULDBLOCK
                ? .unavailable("the tape \(path) is in use by another hub\(owner), which holds \(lockPath)")
                : .unavailable("cannot lock \(lockPath): \(error)")
        }
        self.descriptor = Mutex(descriptor)
        Self.write("\(getpid())\n", to: descriptor)
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

    /// Only a hint for whoever is refused, so failure does not matter.
    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        let digits = bytes.prefix(max(0, count)).prefix { (0x30...0x39).contains($0) }
        return digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
    }
}
